"""Evaluates, in a process of its own, what an engine's own files say of memory; the rest of the engine is a dummy.

Usage: memory_engines_child.py vllm|sglang|lmdeploy FOLDER. FOLDER holds some files of a wheel. Its input is a JSON list
of cases, its output the list of the answers; a case that the files cannot answer is answered by a text that says why.
"""

import json
import logging
import re
import sys

from memory_engines_lmdeploy import lmdeploy
from memory_engines_sglang import sglang
from memory_engines_vllm import vllm


def main():
    logging.disable(logging.CRITICAL)
    answer = {"vllm": vllm, "sglang": sglang, "lmdeploy": lmdeploy}[sys.argv[1]](sys.argv[2])
    out = []
    for case in json.load(sys.stdin):
        try:
            out.append(answer(case))
        except Exception as error:
            longest = re.search(r"maximum model length is (\d+)", str(error))
            refused = {} if "KV cache is needed" in str(error) else f"{type(error).__name__}: {str(error)[:200]}"
            if "blocks" in case and any(word in str(error) for word in ("KV cache is needed", "No available memory")):
                out.append({"starts": 0})
            else:
                out.append({"longest": int(longest[1])} if longest else refused)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
