"""What a built livepatch module patches, read out of its file: `klpdsl describe`.

`elf_file.py` is the only module that sees ELF, through pyelftools (the extra `describe`), and nothing it gives has been
looked up in the file again; `origins.py` knows the three ways in which such modules are made and where each says what
it patches; `declaring.py` makes a `patch` declaration of that.
"""
