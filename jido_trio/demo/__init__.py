"""`jido-trio demo`: real documents read into facts by supervised agents.

May import every folder of ours but `cli`, and the packages of the extra `demo`.
"""
