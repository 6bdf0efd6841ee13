"""The garden protocol once more, in Python, written from its text and not from libgarden's sources.

wire.py has the messages, client.py and server.py the two ends of the five lanes, stage.py what tests share. They
exist to disagree with libgarden where one of the two misread the text; test_interop.py lets them talk.
"""
