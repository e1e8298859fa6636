"""Stores elsewhere: the contract, in memory and on S3 (a server on this machine)."""

import pytest
from storage_contract import StoreContract

from sgcampp.storage.location import store_at


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, request):
        return store_at(f"memory://{request.node.name}/root")

    def another(self, store):
        return store_at(store.shown())


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, bucket):
        return store_at(f"s3://{bucket}/a/root")

    def another(self, store):
        return store_at(store.shown())
