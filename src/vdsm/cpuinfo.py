"""/proc/cpuinfo."""


def _first(name):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""


def flags():
    """Flags of the first CPU, a list."""
    return (_first("flags") or _first("Features")).split()


def frequency():
    """MHz of the first CPU, as text."""
    return _first("cpu MHz") or "unavailable"


def model():
    """Its name."""
    return _first("model name") or "unavailable"
