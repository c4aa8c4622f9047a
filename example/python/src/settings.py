"""Settings: config/app.json beside the code, overridden by the environment."""
import json
import os
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path(__file__).resolve().parent.parent / "config" / "app.json"


@dataclass(frozen=True)
class Settings:
    title: str
    database_url: str
    connect_timeout: int


def load(path: Path = CONFIG) -> Settings:
    values = json.loads(path.read_text(encoding="utf-8"))
    database = values["database"]
    return Settings(
        title=values["title"],
        database_url=os.environ.get("DATABASE_URL", database["url"]),
        connect_timeout=int(database["connect_timeout"]),
    )
