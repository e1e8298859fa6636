FROM python:3.12-slim
WORKDIR /sgcampp
COPY . .
# hadolint ignore=DL3013
RUN pip install --no-cache-dir '.[plot,boxes,strategies]' \
 && useradd --create-home --uid 1000 sgcampp
USER 1000
WORKDIR /data
ENV TF_CPP_MIN_LOG_LEVEL=3
ENTRYPOINT ["sgcampp"]
CMD ["--help"]
