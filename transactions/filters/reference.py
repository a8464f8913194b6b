"""The reference page of the filter language, made from the registry of fields.

``python -m transactions.filters.reference`` prints it; ``docs/reference/filters.md`` is what it printed last, and a
test fails when that is stale.
"""

from __future__ import annotations

import sys

from transactions.filters.fields import FIELDS, Field, FieldType
from transactions.filters.meaning import SEARCH_MINIMUM
from transactions.filters.parsing import DEPTH, LENGTH, VALUES

_HEAD = f"""# Filters

<!-- Made by `python -m transactions.filters.reference`; change the fields there, not here. -->

One language for `andon transactions list --filter`, the console's `/` and the admin API's `filter=`:

```
plant:P03 flow:material-consumption,goods-receipt kind:throttled age>15m
order:4711* assignee:none "lot not found" -target:ERP (status:failed or status:in-doubt)
```

| write | to find |
| --- | --- |
| `plant:P03` | where the field has this value; `=` means the same as `:` |
| `flow:goods-receipt,labor-time` | where it has any of these |
| `order:4711*` `lot:*-B*` | where it begins so, or looks so: `*` stands for any characters |
| `assignee:none` | where there is none |
| `assignee:"none"` `document:"A,B*"` | exactly this: `none`, `*` and `,` mean nothing in quotes; `\\"` for a quote |
| `age>15m` `attempts<=3` | more, less: `>` `>=` `<` `<=` |
| `failed_at:2026-11-19..2026-11-20` `age:1h..4h` `attempts:3..` | a range, with both ends; one of them may be open |
| `failed_at>-2h` `due_at<+30m` | a time counted from now: `-2h` is two hours ago, `+30m` in half an hour |
| `created_at:2026-11-20` `created_at:today` | within this day, in UTC; also `yesterday` and `now` |
| `failed_at>=2026-11-20T06:30+01:00` | a time lasts as long as it is precise, here a minute; UTC without an offset |
| `deadlock` `"lot not found"` | where the message, the payload, a business key or an id contains this: see Words |
| `-target:ERP` `not target:ERP` | what does not match |
| `a or b` `(…)` | either; terms side by side must all match, with or without `and`, and bind tighter than `or` |

Values are compared exactly, upper and lower case apart; the values of enums, and searches (`message`, words), take
ASCII letters in either case. A field that is empty matches no value and no comparison, so `-plant:P01` finds what has
no plant too.

## Words

Words, and text in quotes, of {SEARCH_MINIMUM} characters or more are found wherever they stand, inside longer words
too: in the failure's message, in the values of business keys, in `id`, `idempotency_key` and `correlation_id`, and in
the payload that is in use, as it is shown. What a flow masks is found by nobody. `message:` looks in messages alone.

An index makes that quick. It is written shortly behind the store; what it does not have yet is looked at directly, so
that an answer is right at any moment, and slower while there is much of that. `andon hub status` says how much it is.

A filter has at most {LENGTH:,} characters, {VALUES} values and words, and {DEPTH} open parentheses. One that cannot be
read is refused with the column and what may have been meant (exit code 2, problem `bad-filter`).

## Fields

Every business key of a flow is a field as well (`order:`, `lot:`, `shipment:`); where a field has the same name, write
`business_keys.NAME:`.

| field | what it is | values | example |
| --- | --- | --- | --- |
"""

_VALUES: dict[FieldType, str] = {
    FieldType.TEXT: "text",
    FieldType.SEARCH: "text it contains",
    FieldType.TIME: "time",
    FieldType.DURATION: "duration: `90s` `15m` `2h` `1d` `1h30m`; compared only",
    FieldType.NUMBER: "whole number",
    FieldType.FLAG: "`true` `false`",
}


def page() -> str:
    """The whole page, as Markdown."""
    return _HEAD + "".join(_row(field) for field in FIELDS)


def _row(field: Field) -> str:
    name = f"`{field.shown}`" if field.short is None else f"`{field.short}` or `{field.name}`"
    values = " ".join(f"`{value}`" for value in field.values) or _VALUES[field.type]
    none = ", `none`" if field.nullable else ""
    return f"| {name} | {field.about} | {values}{none} | `{field.example}` |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
