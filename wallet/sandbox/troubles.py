"""What can go wrong between the sandbox's phone and the service, said in the reader's language."""

from ledger.errors import Refusal
from ledger.languages import Language
from wallet.sandbox import words


class SandboxTrouble(Refusal):
    """The loop broke somewhere. `problem` is the stable word for where."""

    code = "sandbox_trouble"

    def __init__(self, problem: str, **details: object) -> None:
        self.problem = problem
        self.details = details
        super().__init__()

    def sentence(self, language: Language) -> str:
        return words.said(f"trouble.{self.problem}", language, **self.details)


class NoAnswer(SandboxTrouble):
    """No answer came from an address, or not in time: it is worth another try."""

    code = "no_answer"

    def __init__(self, address: str) -> None:
        super().__init__("no_answer", address=address)


class PassRefused(SandboxTrouble):
    """A phone would not take this pass."""

    code = "pass_refused"
