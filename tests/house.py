"""The modules of the house and what they import, read off their texts."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FILES = sorted([*(ROOT / "cli").rglob("*.py"), *(ROOT / "sgcampp").rglob("*.py")])


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def names(path, node):
    """Absolute names of the modules that an import statement brings in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        package = [*path.relative_to(ROOT).parts[:-1]]
        package = package[: len(package) - node.level + 1]
        base = ".".join([*package, *([node.module] if node.module else [])])
    inner = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in MODULES else base for name in inner]


def imports(path):
    """(line, module) of every import in a file, wherever it stands."""
    tree = ast.parse(path.read_text("utf-8"))
    statements = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    return [(node.lineno, name) for node in statements for name in names(path, node)]


def imports_when_loaded(path):
    """Modules that importing the file imports: none in functions or under TYPE_CHECKING."""
    found = []
    waiting = list(ast.parse(path.read_text("utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found += names(path, node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found


def typed_imports(path):
    """Modules that a file imports to run, at its top or within functions, not for types alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    statements = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    return [name for node in statements for name in names(path, node)]


def is_in(module, package):
    return module == package or module.startswith(f"{package}.")
