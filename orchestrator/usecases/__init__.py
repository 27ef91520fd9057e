"""What the product does: one verb a file, each one transaction a batch, told as named steps.

``drain`` (events in), ``wake`` (time passes), ``deliver`` (messages out), ``rescue`` (what a lost process held),
``prune`` (old partitions, new ones ahead), ``merge`` (two accounts become one), ``reconcile`` (an uncertain hand-over
is settled), ``drafts`` (a person approves or discards one), ``overrule`` (a person pauses or resumes), ``log`` (a
person's word on an account is written down), ``publish`` (a playbook becomes the current one). ``decide`` is what drain
and wake share: it calls the core.
"""
