"""Guards: warnings of data and formulas that can be fitted but may answer another question.

`winstan.design_warnings` names them all. Those that need the whole model are in `checks`; the
others are raised where the data are read.
"""
