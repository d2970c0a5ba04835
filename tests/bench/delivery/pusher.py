"""Appends so many small events through `Producer`, in a process of its own: python pusher.py NAME NUMBER."""

import sys

from kaizen_api import Interaction, Producer


def main(name: str, number: int) -> None:
    events = (
        Interaction(
            id=f"{name}-{index}", query=f"where is parcel {index} {'of my order ' * 20}", session_id=f"s{index}"
        )
        for index in range(number)
    )
    with Producer() as producer:
        accepted = producer.append(events).accepted
    sys.stdout.write(f"{accepted}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until nobody looks at its memory any more


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
