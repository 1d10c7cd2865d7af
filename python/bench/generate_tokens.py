"""The yardstick of `npm run bench:decode`: `transformers` generate on a student's folder, on the CPU, in f32, greedy.

Its argument is a JSON object: the folder, the number of threads, prompts of one length (nothing is padded, its best
case), and how many tokens to write. It prints one line about itself; then, for each line on standard input, it decodes
so many of the prompts together and prints the milliseconds and the ids that it wrote. No token ends a reply.
"""

import json
import sys
import time

import torch
import transformers


def main() -> None:
    """Answers each line, a number of prompts, with one decoding of these."""
    asked = json.loads(sys.argv[1])
    torch.set_num_threads(asked["threads"])
    transformers.logging.set_verbosity_error()
    model = transformers.AutoModelForCausalLM.from_pretrained(asked["folder"], dtype=torch.float32).eval()
    print(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__}), flush=True)
    prompts = torch.tensor(asked["prompts"])
    tokens = asked["tokens"]
    for line in sys.stdin:
        ids = prompts[: int(line)]
        start = time.perf_counter()
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                eos_token_id=None,
                pad_token_id=0,
            )
        ms = (time.perf_counter() - start) * 1000
        print(json.dumps({"ms": ms, "ids": out[:, ids.shape[1] :].tolist()}), flush=True)


main()
