"""Particulars: what events do not carry of an account (contract, owner, champion, consent), checked and told as calls.

``fields`` reads one value, ``dossier`` a whole body, ``telling`` makes calls of it; ``sheet`` and ``crm`` are where
bodies come from: a row of a CSV file, the webhook of a CRM.
"""
