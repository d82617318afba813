"""A cipher that is ready to use. Apart from the others, for it needs the extra `encryption`."""

from jido_trio.extras import require

try:
    from jido_trio.storage.encryption._aes_gcm import AesGcm
except ModuleNotFoundError:
    require("encryption", "cryptography", part="storage.encryption")
    raise

__all__ = ["AesGcm"]
