"""PostgreSQL and Redis of our own, for an installation that names none.

The servers live under COUNTERSIGN_HOME and are shared: whoever needs one holds it, the first holder starts it and the
last one to leave stops it, so that a command in a second terminal finds the server of the first.

    home/secrets/   passwords and keys, mode 600, made once
    home/postgres/  the database cluster        home/redis/  Redis's working directory (it keeps nothing)
    home/run/       sockets, locks and who runs where        home/logs/  what the servers say
"""

from governance.project.embedded.home import Addresses, Unavailable, addresses, secret
from governance.project.embedded.sharing import Hold, ensure, ensure_for_command

__all__ = ["Addresses", "Hold", "Unavailable", "addresses", "ensure", "ensure_for_command", "secret"]
