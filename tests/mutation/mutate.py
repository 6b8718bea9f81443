#!/usr/bin/env python3
"""Mutation test of lib/domain: changes one sign, comparison, constant or rounding at a time, and looks whether the
unit tests of that file notice.

    tests/mutation/mutate.py [--most N] [--seed N] [--jobs N] [file.c ...]

A file answers for itself: a mutant of lib/domain/tax.c meets tests/unit/domain/tax.c and nothing else. It is compiled
with ASan and UBSan, as the developer's build is, so that reading past an array or overflowing is noticed too, and with a
tenth of the suite's random cases, for the time they take. It is killed when a test fails, crashes or takes much longer
than it does without it. What survives is listed with its line: a test is missing, or the change means nothing. The
latter stand in EQUIVALENT, each with its reason, and are not counted.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "mutation"
COMPILE = ["gcc", "-std=gnu17", "-O1", "-w", "-D_GNU_SOURCE", "-include", str(ROOT / "lib/base/banned.h"),
           "-I", str(ROOT / "lib"), "-I", str(ROOT / "tests"), "-DCLOUDBILL_VERSION=\"mutant\"", "-DMONEY_CASES=10000"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
LINK = ["-lcriterion", "-ljansson", "-lcrypto", "-lpthread", "-lm"]

# What is changed into what. Each pattern stands for itself, outside of comments, texts and assertions.
OPERATORS = [
    (r"(?<![<>\-=!+*/&|])<(?![<=])(?=\s)", "<="), (r"<=(?!=)", "<"), (r"(?<![<>\-])>(?![>=])(?=\s)", ">="),
    (r"(?<!>)>=", ">"), (r"==", "!="), (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"),
    (r"(?<=\s)\+(?=\s)", "-"), (r"(?<=\s)-(?=\s)", "+"), (r"(?<=\s)\*(?=\s)", "/"), (r"(?<=\s)/(?=\s)", "*"),
    (r"(?<=\s)%(?=\s)", "/"), (r"\+=", "-="), (r"-=", "+="), (r"(?<=[(\s])-(?=[a-z(])", ""), (r"!(?=[a-z(])", ""),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\bround_half_away\(", "truncated("),
    (r"\bmoney_scale\(", "truncated_scale("), (r"\+\+", "--"), (r"(?<![\w.\"])\d+(?![\w.])", None),
]
TRUNCATE = """#define truncated(a, b) ((a) / (b))
#define truncated_scale(amount, part, whole, ret) (*(ret) = (int64_t)((int128)(amount) * (part) / (whole)), true)
#line 1
"""

# Changes that change nothing: (file, text of the line, what, into what), and why. A list for readers to check.
EQUIVALENT = {
    # A share of a whole number is one less and all of the denominator: the rest is the largest, and raises it again.
    ("apportion.c", "if (rest < 0) {", "<", "<="), ("apportion.c", "if (rest < 0) {", "0", "1"),
    # `whole` is not 0.
    ("apportion.c", "int128 due = whole > 0 ? round_half_away(share, whole) : round_half_away(-share, -(int128)whole);",
     ">", ">="),
    # A cut at the position itself: what comes after it takes no time.
    ("change.c", "while (before < cuts.count && position > cuts.at[before]) before++;", ">", ">="),
    # Of a line of nothing nothing is claimed; what is left, or that much.
    ("credit_note.c", "if (line->listed_minor > 0 && line->amount_minor > 0)", ">", ">="),
    ("credit_note.c", "if (wanted > rest) wanted = rest;", ">", ">="),
    # What is wanted is not 0 there.
    ("credit_note.c", "int64_t over = wanted < 0 ? rest - wanted : wanted - rest;", "<", "<="),
    ("credit_note.c", "int64_t over = wanted < 0 ? rest - wanted : wanted - rest;", "0", "1"),
    # A line with nothing left weighs nothing.
    ("discount.c", "return line->is_covered && !line->is_taken_back && left_of(line) > 0;", ">", ">="),
    # A share of 0 becomes 0; of a line of nothing nothing is taken.
    ("discount.c", "if (share < 0) share = 0;", "<", "<="), ("discount.c", "if (share < 0) share = 0;", "0", "1"),
    ("discount.c", "if (line->amount_minor <= 0 || taken <= 0) return 0;", "<=", "<"),
    # More room than is needed, or more of it at once.
    ("explain.c", "enum { EXPRESSION_MAX = 16 * 1024 };", "16", "17"),
    ("explain.c", "enum { EXPRESSION_MAX = 16 * 1024 };", "1024", "1025"),
    ("explain_change.c",
     "int64_t *at = ARENA_ARRAY(e->arena, int64_t, cuts.count + 1), before = charged_minor, from = span.start;", "1", "2"),
    ("explain_change.c", "int64_t *at = ARENA_ARRAY(e->arena, int64_t, cuts.count + 1), at_from, at_to, rest;", "1", "2"),
    ("explain_text.c", "enum { STEPS_FIRST = 16 };", "16", "17"),
    ("explain_text.c", "size_t capacity = e->capacity ? 2 * e->capacity : STEPS_FIRST;", "2", "3"),
    # Anything beyond the maximum is too large.
    ("price.c", "int128 minor = MONEY_MAX + (int128)1;", "1", "2"),
    # Any weight above the sum of the lesser ones orders alike.
    ("tax.c", "return 4 * (rule->region != NULL) + 2 * (rule->country != NULL) + (rule->tax_code != NULL);", "4", "5"),
}


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def blank_operator(match):
    start, end = (at - match.start() for at in match.span("op"))
    return match.group(0)[:start] + " " * (end - start) + match.group(0)[end:]


def visible(text):
    """The text with everything blanked that must not be changed: same length, same lines."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text)
    text = re.sub(r"^\s*#.*(?:\\\n.*)*", blank, text, flags=re.M)
    # The smaller of two, the larger, the absolute value: the same with <=.
    text = re.sub(r"\b(\w+) (?P<op>< 0)(?= \? -\1 : \1\b)", blank_operator, text)
    text = re.sub(r"([^\s(]+(?:\([^()]*\))?) (?P<op>[<>]) ([^?\n]+)(?= \? (?:\1 : \3|\3 : \1)\b)", blank_operator, text)
    text = re.sub(r"(?:/ )?sizeof [\w.>-]+\[0\]|\[static \d+\]", blank, text)  # the count of an array is no arithmetic
    return re.sub(r"\b(?:ASSERT|assert|STATIC_ASSERT|_Static_assert)\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", blank, text)


class Mutant:
    def __init__(self, path, text, match, into):
        self.path = path
        self.source = text[:match.start()] + into + text[match.end():]
        self.line = text.count("\n", 0, match.start()) + 1
        self.key = (path.name, text.splitlines()[self.line - 1].strip(), match.group(0), into)

    def __str__(self):
        name, line, old, new = self.key
        return f"{name}:{self.line}: '{old}' -> '{new}':  {line}"


def mutants_of(path):
    text = path.read_text()
    shown = visible(text)
    for pattern, into in OPERATORS:
        for match in re.finditer(pattern, shown):
            yield Mutant(path, text, match, str(int(match.group(0)) + 1) if into is None else into)


def tests_of(path):
    """Its own, or those of what it is a part of: explain_tax.c is tested with explain.c."""
    tests = ROOT / "tests/unit/domain"
    return tests / path.name if (tests / path.name).exists() else tests / f"{path.stem.split('_')[0]}.c"


def compile_objects():
    """Objects of base, domain and the domain's tests; returns {source: object}."""
    BUILD.mkdir(parents=True, exist_ok=True)
    made = {}
    for source in sorted(s for d in ("lib/base", "lib/domain", "tests/unit/domain") for s in (ROOT / d).glob("*.c")):
        made[source] = BUILD / (str(source.relative_to(ROOT)).replace("/", "_") + ".o")
        subprocess.run([*COMPILE, *SANITIZE, "-c", str(source), "-o", str(made[source])], check=True)
    return made


def link(path, objects, instead, binary):
    """The tests of one file, with another object in its place."""
    own = [instead if s == path else o for s, o in objects.items() if s.parent != ROOT / "tests/unit/domain"]
    command = ["gcc", *SANITIZE, "-o", binary, *own, objects[tests_of(path)], *LINK]
    return subprocess.run(list(map(str, command)), check=False, capture_output=True).returncode == 0


def passes(binary, seconds, seed):
    """The limit is on each test's own processor time: it holds for a process that a test left behind, too."""
    command = ["prlimit", f"--cpu={seconds}", str(binary), "--fail-fast", "-j1", "--quiet"]
    environment = {**os.environ, "TEST_SEED": str(seed), "ASAN_OPTIONS": "detect_leaks=0"}
    try:
        return subprocess.run(command, capture_output=True, timeout=20 * seconds, check=False, env=environment).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def fate_of(mutant, objects, seconds, seed):
    if mutant.key in EQUIVALENT:
        return "equivalent"
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        source, binary = pathlib.Path(directory) / mutant.path.name, pathlib.Path(directory) / "tests"
        source.write_text(TRUNCATE + mutant.source)
        made = subprocess.run([*COMPILE, *SANITIZE, "-c", str(source), "-o", f"{source}.o"], check=False, capture_output=True)
        if made.returncode != 0 or not link(mutant.path, objects, f"{source}.o", binary):
            return "does not build"
        return "survived" if passes(binary, seconds, seed) else "killed"


def judge_file(path, objects, arguments):
    """Prints the file's share and its survivors; returns (killed, counted)."""
    whole = BUILD / f"{path.stem}-tests"
    began = time.monotonic()
    if not link(path, objects, objects[path], whole) or not passes(whole, 600, arguments.seed):
        sys.exit(f"the tests of {path.name} fail without any mutant")
    seconds = 5 + 3 * int(time.monotonic() - began)
    mutants = list(mutants_of(path))
    if len(mutants) > arguments.most:
        mutants = random.Random(arguments.seed).sample(mutants, arguments.most)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        fates = list(pool.map(lambda m: fate_of(m, objects, seconds, arguments.seed), mutants))
    killed, counted = fates.count("killed"), fates.count("killed") + fates.count("survived")
    print(f"{path.name:20} {killed:4} of {counted:4} killed, {fates.count('equivalent')} equivalent", flush=True)
    for mutant, fate in zip(mutants, fates):
        if fate == "survived":
            print(f"    {mutant}", flush=True)
    return killed, counted


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=sys.maxsize, help="mutants of one file, chosen by the seed (all)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="also of the tests' random cases")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    files = [f.resolve() for f in arguments.files] or sorted((ROOT / "lib/domain").glob("*.c"))
    print(f"seed {arguments.seed}", flush=True)
    objects = compile_objects()
    results = [judge_file(path, objects, arguments) for path in files]
    killed, counted = (sum(column) for column in zip(*results))
    print(f"{'all':20} {killed:4} of {counted:4} killed: {100 * killed / max(counted, 1):.1f} %")
    known = {mutant.key for path in files for mutant in mutants_of(path)}
    for key in EQUIVALENT:
        if key not in known and key[0] in {path.name for path in files}:
            print(f"EQUIVALENT has what is no mutant any more: {key}")


if __name__ == "__main__":
    main()
