"""No breaker: before each call an EVALSHA by redis-py, of a script that returns 1, with arguments like ours."""


def make(client, name, _chosen):
    digest = client.script_load("return 1")
    keys = (f"{{{name}}}:a", f"{{{name}}}:b")

    def guard(function):
        def guarded():
            client.evalsha(digest, 2, *keys, 1, 300_000_000, 300_000_000, "0123456789abcdef")
            return function()

        return guarded

    return guard
