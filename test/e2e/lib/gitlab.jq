# SPDX-License-Identifier: Apache-2.0
# What GitLab's schemas ask of a container scanning report (security report schemas 15) and of a list of issues (code
# quality): a line for each thing that is not so, nothing if all is well.
def filled: type == "string" and length > 0;
def at_most($n): . == null or (type == "string" and length <= $n);
def want(cond; $what): if cond then empty else $what end;
def tool($name): want(.id | filled; "\($name).id"), want(.name | filled; "\($name).name"),
	want(.version | filled; "\($name).version"), want(.vendor.name | filled; "\($name).vendor.name");
def time: type == "string" and test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$");
def identifier: want(.type | filled; "identifier.type"), want(.name | filled; "identifier.name"),
	want(.value | filled; "identifier.value"), want(.url == null or (.url | test("^https?://.")); "identifier.url");
def detail: want(.name | filled; "detail.name"),
	want((.type == "text" and (.value | type == "string")) or
		(.type == "file-location" and (.file_name | filled) and .line_start >= 1); "detail \(.type)");
def vulnerability: want(.id | filled; "id"), want(.name | at_most(255); "name"),
	want(.description | at_most(1048576); "description"), want(.solution | at_most(7000); "solution"),
	want(.severity | IN("Info", "Unknown", "Low", "Medium", "High", "Critical"); "severity"),
	want(.identifiers | length > 0; "identifiers"), (.identifiers[] | identifier), (.details // {} | .[] | detail),
	want(.location.dependency.package.name | type == "string"; "location.dependency.package.name"),
	want(.location.dependency.version | type == "string"; "location.dependency.version"),
	want(.location.operating_system | filled; "location.operating_system"),
	want(.location.image | filled; "location.image");
def report: want(.version | test("^15[.][0-9]+[.][0-9]+$"); "version"), (.scan.analyzer | tool("analyzer")),
	(.scan.scanner | tool("scanner")), want(.scan.start_time | time; "start_time"), want(.scan.end_time | time; "end_time"),
	want(.scan.status | IN("success", "failure"); "status"), want(.scan.type == "container_scanning"; "type"),
	(.scan.messages[] | want((.level | IN("info", "warn", "fatal")) and (.value | filled); "message")),
	want([.vulnerabilities[].id] | length == (unique | length); "an id is there twice"), (.vulnerabilities[] | vulnerability);
def issue: want(.description | filled; "description"), want(.check_name | filled; "check_name"),
	want(.fingerprint | filled; "fingerprint"),
	want(.severity | IN("info", "minor", "major", "critical", "blocker"); "severity"),
	want((.location.path | filled) and (.location.path | test("^[.]?/") | not); "location.path"),
	want(.location.lines.begin | type == "number" and . >= 1; "location.lines.begin");
if type == "array"
then want([.[].fingerprint] | length == (unique | length); "a fingerprint is there twice"), (.[] | issue)
else report end
