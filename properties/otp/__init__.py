"""What a real Erlang/OTP does with supervision trees, recorded and asked anew; imports nothing of `jido_trio`.

Read in this order: `_scenario` (a tree and what is done to it), `_trace` (what happened), `_canonical` (when two traces
agree), `_codec` (both as lines of JSON), `_oracle` (the installed Erlang/OTP), `_engine` and `_engines` (whatever can
replay a scenario), `_generate` (new scenarios from a seed), `_shrink` (the smallest scenario that still shows a
difference), `__main__` (the command line). README.md has the formats.
"""
