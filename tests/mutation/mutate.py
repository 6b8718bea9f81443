#!/usr/bin/env python3
"""Mutation test of lib/domain: changes one sign, comparison, constant or rounding at a time, and looks whether the
domain's unit tests notice.

    tests/mutation/mutate.py [--most N] [--seed N] [--jobs N] [file.c ...]

Each mutant is compiled alone and linked with objects of everything else, without sanitizers; it is killed when the
tests fail, crash or take ten times as long as they do without it. What survives is listed with its line: either a test
is missing, or the change means nothing, which a reader must be able to say why.
"""
import argparse
import concurrent.futures
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
           "-I", str(ROOT / "lib"), "-I", str(ROOT / "tests"), "-I", str(ROOT / "tests/unit"),
           "-DCLOUDBILL_VERSION=\"mutant\""]
LINK = ["-lcriterion", "-ljansson", "-lcrypto", "-lpthread", "-lm"]

# What is changed into what. Each pattern stands for itself, outside of comments, texts and assertions.
OPERATORS = [
    (r"(?<![<>\-=!+*/&|])<(?![<=])(?=\s)", "<="), (r"<=(?!=)", "<"), (r"(?<![<>\-])>(?![>=])(?=\s)", ">="),
    (r"(?<!>)>=", ">"), (r"==", "!="), (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"),
    (r"(?<=\s)\+(?=\s)", "-"), (r"(?<=\s)-(?=\s)", "+"), (r"(?<=\s)\*(?=\s)", "/"), (r"(?<=\s)/(?=\s)", "*"),
    (r"(?<=\s)%(?=\s)", "/"), (r"\+=", "-="), (r"-=", "+="), (r"(?<=[(\s])-(?=[a-z(])", ""), (r"!(?=[a-z(])", ""),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\bround_half_away\(", "truncate_instead("),
    (r"\+\+", "--"), (r"(?<![\w.\"])\d+(?![\w.])", None),
]
TRUNCATE = "#define truncate_instead(a, b) ((a) / (b))\n"


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def visible(text):
    """The text with everything blanked that must not be changed: same length, same lines."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text)
    text = re.sub(r"^\s*#.*(?:\\\n.*)*", blank, text, flags=re.M)
    text = re.sub(r"\bsizeof [\w.>-]+\[0\]|\[static \d+\]", blank, text)
    return re.sub(r"\b(?:ASSERT|assert|STATIC_ASSERT|_Static_assert)\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", blank, text)


def mutants_of(path):
    text = path.read_text()
    shown = visible(text)
    found = []
    for pattern, into in OPERATORS:
        for match in re.finditer(pattern, shown):
            new = into if into is not None else str(int(match.group(0)) + 1)
            line = text.count("\n", 0, match.start()) + 1
            found.append((path, match.start(), match.end(), new, line))
    return found


def run(command, seconds=120):
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
        return done.returncode
    except subprocess.TimeoutExpired:
        return "timeout"


def objects():
    """Objects of base, domain and the domain's tests; returns {source: object}."""
    BUILD.mkdir(parents=True, exist_ok=True)
    sources = [*sorted((ROOT / "lib/base").glob("*.c")), *sorted((ROOT / "lib/domain").glob("*.c")),
               *sorted((ROOT / "tests/unit/domain").glob("*.c"))]
    made = {}
    for source in sources:
        made[source] = BUILD / (str(source.relative_to(ROOT)).replace("/", "_") + ".o")
        subprocess.run([*COMPILE, "-c", str(source), "-o", str(made[source])], check=True)
    return made


def try_mutant(mutant, made, seconds):
    path, start, end, new, _ = mutant
    text = path.read_text()
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        source, binary = pathlib.Path(directory) / path.name, pathlib.Path(directory) / "tests"
        source.write_text(TRUNCATE + '#line 1\n' + text[:start] + new + text[end:])
        mutated = source.with_suffix(".o")
        if run([*COMPILE, "-I", str(path.parent), "-c", str(source), "-o", str(mutated)]) != 0:
            return "does not build"
        rest = [str(o) for s, o in made.items() if s != path]
        if run(["gcc", "-o", str(binary), str(mutated), *rest, *LINK]) != 0:
            return "does not build"
        return "survived" if run([str(binary), "--fail-fast", "-j1", "--quiet"], seconds) == 0 else "killed"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=60, help="mutants of one file (60)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    files = [f.resolve() for f in arguments.files] or sorted((ROOT / "lib/domain").glob("*.c"))
    print(f"seed {arguments.seed}", flush=True)
    made = objects()
    whole = BUILD / "tests"
    subprocess.run(["gcc", "-o", str(whole), *map(str, made.values()), *LINK], check=True)
    began = time.monotonic()
    if run([str(whole), "-j1", "--quiet"], 600) != 0:
        sys.exit("the tests fail without any mutant")
    seconds = 5 + 10 * (time.monotonic() - began)
    chance = random.Random(arguments.seed)
    total_killed = total = 0
    for path in files:
        found = mutants_of(path)
        chance.shuffle(found)
        found = found[:arguments.most]
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            fates = list(pool.map(lambda m: try_mutant(m, made, seconds), found))
        killed, survived = fates.count("killed"), fates.count("survived")
        total, total_killed = total + killed + survived, total_killed + killed
        if killed + survived:
            print(f"{path.name:20} {killed:4} of {killed + survived:4} killed", flush=True)
        text = path.read_text()
        for mutant, fate in zip(found, fates):
            if fate == "survived":
                _, start, end, new, line = mutant
                print(f"    {path.name}:{line}: '{text[start:end]}' -> '{new}':  {text.splitlines()[line - 1].strip()}")
    if total:
        print(f"{'all':20} {total_killed:4} of {total:4} killed: {100 * total_killed / total:.1f} %")


if __name__ == "__main__":
    main()
