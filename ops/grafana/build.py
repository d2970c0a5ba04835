"""Writes the dashboard: `make docs`. Grafana takes it from the file, so nobody edits it there.

Guarantee: the same table gives the same bytes.
"""

import itertools
import json
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, VariableRefresh
from panels import ROWS, Panel

FILE = Path(__file__).parent / "dashboards/kaizen.json"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

_VARIABLES = {
    "job": "label_values(kaizen_up, job)",
    "instance": 'label_values(kaizen_up{job=~"$job"}, instance)',
    "tenant": 'label_values(kaizen_tenant_interactions_total{job=~"$job"}, tenant)',
}


def build() -> str:
    """The dashboard in JSON."""
    board = dashboard.Dashboard("Kaizen").uid("kaizen").description("Whether Kaizen works, and what it does.")
    board.tags(["kaizen"]).readonly().timezone("browser").time("now-6h", "now").refresh("30s")
    _add_variables(board)
    _add_surroundings(board)
    numbers = itertools.count(1)
    for title, panels in ROWS.items():
        board.with_row(dashboard.Row(title).id(next(numbers)))
        for panel in panels:
            board.with_panel(_panel(panel, number=next(numbers)))
    return json.dumps(board.build(), cls=JSONEncoder, sort_keys=True, indent=2) + "\n"


def _add_variables(board: dashboard.Dashboard) -> None:
    board.with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    for name, query in _VARIABLES.items():
        variable = dashboard.QueryVariable(name).label(name.capitalize()).datasource(SOURCE).query(query)
        variable.multi(True).include_all(True).all_value(".+").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        board.with_variable(variable)
    for name, address in (("flower", "/flower/"), ("runbooks", "/runbooks/")):
        board.with_variable(dashboard.ConstantVariable(name).value(address))


def _add_surroundings(board: dashboard.Dashboard) -> None:
    """Alerts in the graphs, and the ways to what helps."""
    alerts = dashboard.AnnotationQuery().name("Alerts").datasource(SOURCE).enable(True).icon_color("red")
    alerts.expr('ALERTS{alertname=~"Kaizen.+", alertstate="firing"}').title_format("{{alertname}}")
    board.annotation(alerts)
    for title, address in (("Runbooks", "${runbooks:raw}"), ("Flower", "${flower:raw}")):
        link = dashboard.DashboardLink(title).type(DashboardLinkType.LINK).url(address).target_blank(True)
        board.link(link)


def _panel(panel: Panel, *, number: int) -> Any:
    one: Any = stat.Panel() if panel.stat else timeseries.Panel()
    one.id(number).title(panel.title).description(panel.description).unit(panel.unit).datasource(SOURCE)
    one.span(panel.width).height(panel.height)
    for query, letter in zip(panel.queries, "ABCD", strict=False):
        target = prometheus.Dataquery().expr(query.expression).legend_format(query.legend).ref_id(letter)
        one.with_target(target.datasource(SOURCE))
    return one


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(build())
