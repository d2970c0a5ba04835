"""What a report on a log takes over of the settings, and what it does not."""

from kaizen_api.report.shadow import _private


def test_a_report_asks_no_model_whatever_the_settings_say(config, tmp_path):
    asking = config.model_copy(update={"naming_url": "https://models.example/v1", "naming_model": "small"})
    assert _private(asking, tmp_path, "key").naming_url is None
