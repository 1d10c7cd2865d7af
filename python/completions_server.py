"""A small stand-in for vLLM: /v1/completions in token ids over transformers, one request at a time, for CPUs and tests.

It speaks the part of vLLM's dialect that Grappa's generate jobs use and refuses the rest. It calls itself a stand-in
everywhere: it has neither vLLM's speed nor its batches.
"""

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
import transformers

VERSION = f"stand-in over transformers {transformers.__version__}"
MAX_BODY_BYTES = 16 * 1024 * 1024
# What vLLM would do at other values is not done here.
NEUTRAL = {
    "top_p": (1,),
    "top_k": (-1, 0),
    "min_p": (0,),
    "repetition_penalty": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "n": (1,),
    "stream": (False,),
}
KNOWN = {
    *NEUTRAL,
    "model",
    "prompt",
    "max_tokens",
    "min_tokens",
    "temperature",
    "seed",
    "stop_token_ids",
    "ignore_eos",
    "logit_bias",
    "return_token_ids",
    "skip_special_tokens",
}


class RefusalError(Exception):
    """The request cannot be served as it stands."""


class Model:
    """A causal model that writes on from ids; keeps the cache of the last sequence."""

    def __init__(self, path: str, revision: str | None, max_length: int, device: str, dtype: str) -> None:
        """Loads the model.

        Args:
            path: folder, or OWNER/NAME on the hub.
            revision: of a model on the hub.
            max_length: most ids of one sequence.
            device: cuda or cpu.
            dtype: auto, float32 or bfloat16.
        """
        kwargs = {"dtype": dtype if dtype == "auto" else getattr(torch, dtype)}
        loaded = transformers.AutoModelForCausalLM.from_pretrained(path, revision=revision, **kwargs)
        self.model = loaded.to(device).eval()
        self.device = device
        self.max_length = max_length
        self.lock = threading.Lock()
        self.ids: list[int] = []
        self.cache: transformers.DynamicCache | None = None

    @torch.inference_mode()
    def write(self, body: dict[str, Any]) -> dict[str, Any]:
        """The completion of a checked body."""
        ids = list(body["prompt"])
        stops = set(body.get("stop_token_ids") or [])
        bias = {int(token): float(value) for token, value in (body.get("logit_bias") or {}).items()}
        limit = min(body["max_tokens"], self.max_length - len(ids))
        if limit < 1:
            raise RefusalError(f"a prompt of {len(ids)} ids leaves no room in {self.max_length}")
        with self.lock:
            generator = torch.Generator().manual_seed(int(body.get("seed") or 0))
            written: list[int] = []
            for _ in range(limit):
                logits = self._logits([*ids, *written])
                for token, value in bias.items():
                    logits[token] += value
                if len(written) < body.get("min_tokens", 0):
                    logits[list(stops)] = -torch.inf
                written.append(choose(logits, float(body.get("temperature", 1)), generator))
                if written[-1] in stops:
                    return reply(body, written, "stop", written[-1])
            return reply(body, written, "length", None)

    def _logits(self, ids: list[int]) -> torch.Tensor:
        """Logits after the last id, reading only what the cache lacks."""
        keep = 0
        for kept, wanted in zip(self.ids, ids[:-1], strict=False):
            if kept != wanted:
                break
            keep += 1
        if self.cache is None or keep == 0:
            self.cache, keep = transformers.DynamicCache(), 0
        elif keep < len(self.ids):
            self.cache.crop(keep)
        new = torch.tensor([ids[keep:]], device=self.device)
        out = self.model(input_ids=new, past_key_values=self.cache, use_cache=True, logits_to_keep=1)
        self.ids = list(ids)
        return out.logits[0, -1].float().cpu()


def choose(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> int:
    """The largest logit, ties to the lowest id; at a temperature a draw."""
    if temperature == 0:
        return int(torch.argmax(logits))
    return int(torch.multinomial(torch.softmax(logits / temperature, -1), 1, generator=generator))


def reply(body: dict[str, Any], ids: list[int], finish: str, reason: int | None) -> dict[str, Any]:
    """A response as vLLM shapes it, without text: the stand-in has no tokenizer."""
    choice: dict[str, Any] = {"index": 0, "text": "", "finish_reason": finish, "stop_reason": reason}
    if body.get("return_token_ids"):
        choice["token_ids"] = ids
    usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": len(ids)}
    return {"object": "text_completion", "model": body.get("model"), "choices": [choice], "usage": usage}


def check(body: Any, vocabulary: int) -> dict[str, Any]:  # noqa: ANN401 - JSON of anyone
    """The body, if it can be served.

    Raises:
        RefusalError: it asks for what the stand-in has not.
    """
    if not isinstance(body, dict):
        raise RefusalError("the body is no JSON object")
    unknown = sorted(set(body) - KNOWN)
    if unknown:
        raise RefusalError(f"the stand-in does not know {', '.join(unknown)}")
    for name, allowed in NEUTRAL.items():
        if body.get(name) is not None and body[name] not in allowed:
            raise RefusalError(f"the stand-in does not do {name} {body[name]}")
    prompt = body.get("prompt")
    if not isinstance(prompt, list) or not prompt or not all(is_id(token, vocabulary) for token in prompt):
        raise RefusalError("the prompt must be a list of token ids of the model's vocabulary")
    named = [*(body.get("stop_token_ids") or []), *(int(token) for token in body.get("logit_bias") or {})]
    if not all(is_id(token, vocabulary) for token in named):
        raise RefusalError("an id of stop_token_ids or logit_bias is out of the vocabulary")
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        raise RefusalError("max_tokens must be a whole number above 0")
    return body


def is_id(token: Any, vocabulary: int) -> bool:  # noqa: ANN401 - JSON of anyone
    """Whether it is an id of the vocabulary."""
    return isinstance(token, int) and not isinstance(token, bool) and 0 <= token < vocabulary


def handler_of(model: Model, name: str) -> type[BaseHTTPRequestHandler]:
    """The HTTP side of a model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            answers = {
                "/health": {},
                "/version": {"version": VERSION},
                "/v1/models": {"object": "list", "data": [{"id": name, "object": "model"}]},
            }
            found = self.path in answers
            self._send(200 if found else 404, answers[self.path] if found else error("no such path"))

        def do_POST(self) -> None:  # noqa: N802 - http.server's name
            size = int(self.headers.get("content-length") or 0)
            if self.path != "/v1/completions" or size > MAX_BODY_BYTES:
                self.close_connection = True
                return self._send(404 if size <= MAX_BODY_BYTES else 413, error("no such path, or too large"))
            try:
                body = check(json.loads(self.rfile.read(size)), model.model.config.vocab_size)
                return self._send(200, model.write(body))
            except (RefusalError, ValueError) as refusal:
                return self._send(400, error(str(refusal)))

        def log_message(self, *_: object) -> None:
            """Says nothing: a line a request helps nobody."""

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    return Handler


def error(message: str) -> dict[str, Any]:
    """An error as OpenAI shapes it."""
    return {"error": {"message": message, "type": "invalid_request_error"}}


def main() -> None:
    """Serves until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--revision")
    parser.add_argument("--served-model-name", default="model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--max-model-len", type=int, required=True)
    parser.add_argument("--device", default="cpu", choices=["cuda", "cpu"])
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16"])
    asked = parser.parse_args()
    model = Model(asked.model, asked.revision, asked.max_model_len, asked.device, asked.dtype)
    server = ThreadingHTTPServer((asked.host, asked.port), handler_of(model, asked.served_model_name))
    print(f"{VERSION}: {asked.model} at http://{asked.host}:{asked.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
