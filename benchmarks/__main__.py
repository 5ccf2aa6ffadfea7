"""Run the benchmarks, all of them or those named on the command line."""

import importlib
import pkgutil
import sys

import benchmarks


def main() -> int:
    """Run the benchmarks and print what they say."""
    prefix = "bench_"
    names = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name.startswith(prefix))
    wanted = [prefix + argument.removeprefix(prefix) for argument in sys.argv[1:]] or names
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        known = ", ".join(name.removeprefix(prefix) for name in names)
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are: {known}\n")
        return 2
    for name in wanted:
        print(f"== {name.removeprefix(prefix)}")
        for line in importlib.import_module(f"benchmarks.{name}").run():
            print(f"  {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
