"""The token kernel: executes definitions; pure, no database, no clock of its own."""

from __future__ import annotations

from engine.tokens.kernel import TokenKernel

__all__ = ["TokenKernel"]
