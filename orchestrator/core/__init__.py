"""What should happen: pure, standard library only.

Reading order: ``reasons`` (the closed lists), ``events``, ``facts`` (what events add up to), ``people``,
``calendars`` (local and business time), ``conditions`` (Kleene logic over facts), ``playbook`` (the compiled rules),
``account``, ``decisions``, ``policy`` (when a play that writes may act), then ``lifecycle`` (``advance``, the one verb)
and ``door`` (``release``, its sister).
"""
