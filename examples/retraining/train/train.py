"""Where your training goes. This one only notes what it was asked for, so that the way from driftline to here can be tried."""  # noqa: INP001 - a script

import argparse
import base64
import json
from pathlib import Path


def main() -> None:
    """Write the request to the model's folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--request", required=True, help="JSON as base64: endpoint, deployment, signal, first_window_start, last_window_end"
    )
    parser.add_argument("--model", required=True, type=Path, help="folder of the trained model")
    arguments = parser.parse_args()
    asked = json.loads(base64.urlsafe_b64decode(arguments.request))
    arguments.model.mkdir(parents=True, exist_ok=True)
    (arguments.model / "request.json").write_text(json.dumps(asked, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
