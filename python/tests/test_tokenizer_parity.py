"""AutoTokenizer gives our ids, from text; and our texts, from ids."""

import random
import sys
import unicodedata
from pathlib import Path

import pytest
from conftest import ask_node
from transformers import AutoTokenizer, PreTrainedTokenizerBase

PLAIN_TEXTS = [
    "",
    "62 a+36 b+27 c*5 d+88 e-23",
    "n=62;a:n+=36;b:n*=5;c:if(n%2)n-=7;puts(n)",
    "a+36 62+36=98\nb+27 98+27=125\nWait\na+36 62+36:2+6+0=08,6+3+0=09,0+0+0=00>98\n",
    "a:n+=36 62+36=98\nc:if(n%2)n-=7 490%2=0\n",
    "Answer: 98",
    "Final Answer: 98",
    "user assistant think answer\nAnswer Wait Final puts users assistants thinking answering",
    "It's we'll I'M they'Re 'S",
    "  two  spaces \t tab\r\nCRLF\n\n\nlines   ",
    "\u00a0no-break\u2003em\u3000ideographic\u0085next\ufeffmark\u200bzero",
    "na\u00efve na\u0308ive \u1e9b\u0323 \ufb01 \u212b \uac00 \u1100\u1161",
    "\u4f60\u597d\uff0c\u4e16\u754c\uff01 \u043f\u0440\u0438\u0432\u0435\u0442 \u0645\u0631\u062d\u0628\u0627",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0661\u0662\u0663 \u00b2\u2155",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f600 \U0001d7d9",
    "\x00\x01\x1b[31m\x7f",
    "\ue0000\ue001",
    "a" * 500 + " " * 300 + "!" * 300,
]
CONTROL_TEXTS = [
    "<|im_start|>user\n62 a+36<|im_end|>\n<|im_start|>assistant\n"
    "<|im_start|>think\na+36 62+36=98\n<|im_start|>answer\nAnswer: 98<|im_end|>\n",
    "\n<|im_start|>answer\nFinal Answer:",
    "<|im_start|><|im_start|><|endoftext|><|fim_pad|>",
    " <|im_end|> x\n<|im_end|>\n\n",
    "<|im_start|<|im_start|>|>",
    "e<|im_end|>\u0301",
]
MESSAGES = [
    {"role": "user", "content": "62 a+36"},
    {"role": "assistant", "content": "Answer: 98", "thinking": "a+36 62+36=98"},
    {"role": "user", "content": " 62 a+37\n"},
]


def fuzz_texts(count: int) -> list[str]:
    """Random texts over all assigned characters, ASCII and control spellings; the same on every run."""
    rng = random.Random(0)
    assigned = [chr(c) for c in range(sys.maxunicode) if unicodedata.category(chr(c)) not in {"Cn", "Cs", "Co"}]
    ascii_texts = [chr(c) for c in range(128)]
    spellings = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|fim_pad|>", "<|", "|>", "answer", "+=", "\n", " "]
    sources = [assigned, ascii_texts, ascii_texts, spellings]
    return ["".join(rng.choice(rng.choice(sources)) for _ in range(rng.randint(1, 40))) for _ in range(count)]


def hugging_face_messages() -> list[dict[str, str]]:
    """The same conversation as transformers' users write it: `reasoning_content` beside `content`."""
    return [
        {
            "role": m["role"],
            "content": m["content"],
            **({"reasoning_content": m["thinking"]} if "thinking" in m else {}),
        }
        for m in MESSAGES
    ]


@pytest.fixture(scope="module")
def theirs(model_folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(model_folder)


@pytest.fixture(scope="module")
def id_lists(theirs: PreTrainedTokenizerBase) -> list[list[int]]:
    rng = random.Random(1)
    return [[rng.randrange(len(theirs)) for _ in range(rng.randint(1, 30))] for _ in range(300)]


@pytest.fixture(scope="module")
def user_texts() -> list[str]:
    return PLAIN_TEXTS + CONTROL_TEXTS + fuzz_texts(2000)


@pytest.fixture(scope="module")
def ours(model_folder: Path, id_lists: list[list[int]], user_texts: list[str]) -> dict:
    chats = [
        {"messages": MESSAGES[:length], "options": {"keepThinking": keep, "addGenerationPrompt": prompt}}
        for length in (1, 2, 3)
        for keep in (False, True)
        for prompt in (False, True)
    ]
    request = {"folder": str(model_folder), "userTexts": user_texts, "controlTexts": user_texts, "idLists": id_lists}
    return ask_node("node_tokenize.mjs", {**request, "chats": chats})


def test_text_with_control_tokens(theirs: PreTrainedTokenizerBase, ours: dict, user_texts: list[str]) -> None:
    for text, ids in zip(user_texts, ours["control"], strict=True):
        assert theirs(text)["input_ids"] == ids, text


def test_text_from_users(theirs: PreTrainedTokenizerBase, ours: dict, user_texts: list[str]) -> None:
    control = set(ours["controlIds"].values())
    for text, ids in zip(user_texts, ours["user"], strict=True):
        assert not control & set(ids), text
        assert theirs(text, split_special_tokens=True)["input_ids"] == ids, text


def test_decoding(theirs: PreTrainedTokenizerBase, ours: dict, id_lists: list[list[int]]) -> None:
    for ids, text in zip(id_lists, ours["texts"], strict=True):
        assert theirs.decode(ids) == text, ids


def test_vocabulary_and_special_ids(theirs: PreTrainedTokenizerBase, ours: dict) -> None:
    assert len(theirs) == ours["vocabularySize"]
    assert sorted(theirs.get_vocab().values()) == list(range(len(theirs)))
    assert theirs.pad_token_id == ours["controlIds"]["pad"]
    assert theirs.eos_token_id == ours["controlIds"]["imEnd"]
    assert theirs.bos_token_id is None


def test_chat_template(theirs: PreTrainedTokenizerBase, ours: dict) -> None:
    answers = iter(ours["chats"])
    for length in (1, 2, 3):
        for keep in (False, True):
            messages = hugging_face_messages()[:length]
            for prompt in (False, True):
                options = {"keep_thinking": keep, "add_generation_prompt": prompt}
                answer = next(answers)
                assert theirs.apply_chat_template(messages, tokenize=False, **options) == answer["text"]
                encoded = theirs.apply_chat_template(messages, tokenize=True, return_dict=True, **options)
                assert encoded["input_ids"] == answer["ids"]
