"""Models: their clients, prices and limits, by the names that agents call them."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import trio
from attrs import evolve, field, frozen

from jido_trio import checks
from jido_trio.ai._budget import Price
from jido_trio.ai._client import (
    SENDING,
    ModelClient,
    ModelFailure,
    ModelReply,
    ModelRequest,
    Sending,
    Tell,
    check_client,
    holding,
)
from jido_trio.ai._flights import Flights
from jido_trio.ai._messages import Prompt
from jido_trio.ai._rules import ModelRule
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.supervision import Child

P = TypeVar("P")


@frozen
class Model:
    """A model of a provider."""

    name: str
    """The provider's own name of it."""
    client: ModelClient = field(repr=False)
    """Who speaks with the provider: `OpenAI()`, or whatever has such a `stream`."""
    price: Price | None = field(default=None, kw_only=True)
    """None is a price that isn't known, and never 0."""
    max_tokens: int = field(default=4096, kw_only=True)
    """Tokens that a reply may have."""
    fallback: str | None = field(default=None, kw_only=True)
    """The name of the model to try when this one has failed too often."""
    timeout: float | None = field(default=600, kw_only=True)
    """Seconds that a try may take."""

    def __attrs_post_init__(self) -> None:
        checks.text("a model", "name", self.name)
        owner = f"model {shown(self.name)}"
        check_client(owner, self.client)
        if not isinstance(self.price, Price | None):
            raise checks.refused(owner, "price", self.price, "must be a Price(...), or None if it isn't known")
        if not isinstance(self.fallback, str | None):
            raise checks.refused(owner, "fallback", self.fallback, "must be the name of a model, or None")
        checks.whole(owner, "max_tokens", self.max_tokens, least=1)
        checks.seconds(owner, "timeout", self.timeout, above_zero=True, or_none="None for no limit")


class Models(Mapping[str, Model]):
    """Models by the names that agents call them: `Models(fast=Model(...), capable=Model(...))`.

    An agent class takes it as `models=`, and an instance as one of its `services`.

    Raises:
        InvalidDefinition: One is no model, or a fallback leads nowhere or round in a circle.
    """

    def __init__(self, **models: Model) -> None:
        if not models:
            raise InvalidDefinition("Models() has no model: name at least one, as Models(fast=Model(...))")
        self._models = dict(models)
        for name, model in models.items():
            if not isinstance(model, Model):
                raise checks.refused("models", name, model, 'must be a Model("name", client)')
            self._check_fallbacks(name)

    def _check_fallbacks(self, name: str) -> None:
        seen, at = [name], self._models[name].fallback
        while at is not None:
            if at not in self._models:
                hint = checks.did_you_mean(at, self._models)
                raise InvalidDefinition(f"model {seen[-1]!r} has the fallback {shown(at)}, and there is none{hint}")
            if at in seen:
                raise InvalidDefinition(f"the fallbacks of model {name!r} go round: {' -> '.join([*seen, at])}")
            seen.append(at)
            at = self._models[at].fallback

    def __repr__(self) -> str:
        return f"Models({', '.join(f'{name}={model.name!r}' for name, model in self._models.items())})"

    def __getitem__(self, name: str) -> Model:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def rules(self) -> Mapping[str, ModelRule]:
        """What is to be known of them beforehand."""
        return {name: ModelRule(model.price, model.max_tokens, model.fallback) for name, model in self._models.items()}

    def with_clients(self, **clients: ModelClient) -> "Models":
        """Return the same models with other clients: for tests, `MODELS.with_clients(fast=ScriptedModel([...]))`."""
        unknown = [name for name in clients if name not in self._models]
        if unknown:
            raise InvalidDefinition(
                f"there is no model {shown(unknown[0])}{checks.did_you_mean(unknown[0], self._models)}"
            )
        changed = {name: evolve(self._models[name], client=client) for name, client in clients.items()}
        return Models(**{**self._models, **changed})

    def service(self, part: Callable[[Callable[[object], Flights]], Flights]) -> Child:
        """Return the supervised task in which models are called and tools run: what `Jido(services=[...])` asks for."""
        flights = part(Flights)
        flights.use(self)
        return Child("models", self._fly, flights)

    async def _fly(self, flights: Flights, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with holding(model.client for model in self._models.values()):
            await flights.run(task_status=task_status)

    async def call(self, prompt: Prompt, key: str, tell: Tell) -> ModelReply | ModelFailure:
        """Have a model reply, once, within its timeout."""
        model = self._models.get(prompt.model)
        if model is None:
            await trio.lowlevel.checkpoint()
            return ModelFailure(f"there is no model {shown(prompt.model)} in this instance", "fallback", billed=False)
        sending = Sending()
        token = SENDING.set(sending)
        try:
            with trio.move_on_after(float("inf") if model.timeout is None else model.timeout):
                return await model.client.stream(ModelRequest(prompt, model.name, key), tell)
        finally:
            SENDING.reset(token)
        if sending.waits:
            return ModelFailure(f"it was not its turn within {model.timeout:g} seconds", billed=False)
        return ModelFailure(f"no whole reply within {model.timeout:g} seconds")
