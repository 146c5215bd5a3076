"""Runs a notebook in a folder of its own and keeps there what came out; fails if a cell does, or if outputs are in the file.

    python run_notebook.py map.ipynb FOLDER

Needs nbclient and ipykernel beside what the notebook needs.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main() -> None:
    path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    notebook = nbformat.read(path, as_version=4)
    full = [cell.id for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
    if full:
        sys.exit(f"{path}: outputs are kept in {', '.join(full)}; clear them before it is committed")
    folder.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    nbformat.write(notebook, folder / path.name)
    pictures = [output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    if len(pictures) < 2:
        sys.exit(f"{path}: {len(pictures)} pictures came out, not 2")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                print(output.text, end="")


if __name__ == "__main__":
    main()
