"""How it is said: from a saved context to a mail, and from a mail to the relay.

Reading order: ``errors``, ``address`` (what can be written to), ``context`` (the names a template may use),
``dialect`` (the small part of Jinja that templates may speak), ``markdown`` (values never become markup),
``frontmatter`` (a template file's parts), ``templates`` (one published set of them), ``compose`` (a letter becomes a
mail), ``transport`` (the port and its outcomes), ``smtp`` and ``outbox`` (its two implementations), ``catcher`` and
``gallery`` (where the mails of a demonstration end up).
"""
