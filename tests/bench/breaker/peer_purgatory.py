"""purgatory, with its Redis unit of work; it asks for the breaker anew with each call, as its decorator does."""

from purgatory import SyncCircuitBreakerFactory, SyncRedisUnitOfWork


def make(client, name, chosen):
    settings = client.connection_pool.connection_kwargs
    wait = settings["socket_timeout"]
    url = f"unix://{settings['path']}?socket_timeout={wait}&socket_connect_timeout={wait}"
    work = SyncRedisUnitOfWork(url)
    # It would wait longer: redis-py repeats a call that timed out, unless told otherwise.
    work.contexts.redis.connection_pool.connection_kwargs["retry"] = settings["retry"]
    return SyncCircuitBreakerFactory(chosen.threshold, chosen.recovery, uow=work)(name)
