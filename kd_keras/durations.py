"""Durations in words."""

__all__ = ["format_duration"]


def format_duration(seconds):
    """Say a duration in the two largest units that matter.

    Example:
        >>> format_duration(3), format_duration(75), format_duration(7325)
        ('3 s', '1 min 15 s', '2 h 02 min')
    """
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
