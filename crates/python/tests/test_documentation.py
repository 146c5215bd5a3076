"""What is written about the package is so: every example runs, every name has words and types."""

import doctest
import inspect

import melisma
from melisma import bench

OBJECTS = {name: getattr(melisma, name) for name in melisma.__all__ if not name.startswith("__")}
OBJECTS |= {f"bench.{name}": getattr(bench, name) for name in bench.__all__}


def test_examples():
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    tests = [test for module in (melisma, bench) for test in finder.find(module, module=False) if test.examples]
    for name, thing in OBJECTS.items():
        tests += finder.find(thing, name, module=False, globs={})
    for test in tests:
        runner.run(test)
    assert runner.failures == 0
    assert runner.tries > 40, "the examples were not found"


def test_everything_has_words():
    for name, thing in OBJECTS.items():
        if isinstance(thing, (int, str)) or inspect.ismodule(thing):
            continue
        assert thing.__doc__ and len(thing.__doc__) > 30, name
        if inspect.isclass(thing) and thing.__module__.startswith("melisma") and not issubclass(thing, Exception):
            for member, value in vars(thing).items():
                if not member.startswith("_"):
                    assert value.__doc__, f"{name}.{member}"
