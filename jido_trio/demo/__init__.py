"""`jido-trio demo`: real documents read into facts by supervised agents.

May import every folder of ours but `cli`, and the packages of the extra `demo`.
"""

from jido_trio.extras import require

require("demo", "chardet", "pypdf", "rich", "webencodings")
