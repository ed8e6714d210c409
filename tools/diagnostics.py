"""What the codes of `agent-run validate` mean, as a tool."""

from typing import Annotated

from pydantic import Field

from runner import tool
from runner.loading.codes import codes


@tool(effects="none")
def explain_code(code: Annotated[str, Field(pattern="^[EW][0-9]{3}$")]) -> dict[str, str]:
    """Explain what the code of an error or a warning means, and what to do about it.

    Args:
        code: The code as it is printed, such as E102 or W235.
    """
    found = codes().get(code)
    if found is None:
        raise LookupError(f"there is no code {code}")
    return {"code": code, "means": found.title, "explanation": found.text}
