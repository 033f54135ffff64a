"""The look-ahead audit: does anything known later change what came before?"""
