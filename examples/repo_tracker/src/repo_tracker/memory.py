"""How much memory the Worker has, where that can be seen."""


def wasm_memory() -> int | None:
    """Return the size of the interpreter's memory, in bytes; None where there is no Pyodide.

    WebAssembly's memory never shrinks, so this is the most that was ever used, the interpreter's own 30 MB included.
    What JavaScript holds beside it counts to the 128 MB as well, and cannot be seen from here.
    """
    try:
        import pyodide_js  # noqa: PLC0415 - only under Pyodide
    except ImportError:
        return None
    memory = getattr(getattr(pyodide_js, "_module", None), "HEAP8", None)
    return None if memory is None else int(memory.length)
