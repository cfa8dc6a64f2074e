"""The gated attention unit of RTMPose (Hua et al., "Transformer Quality in Linear Time", arXiv:2202.10447)."""

from __future__ import annotations

import math

import torch
import torch.nn as nn
from mmcv.cnn.bricks import DropPath
from torch import Tensor

_ACTIVATIONS = {"SiLU": nn.SiLU, "ReLU": nn.ReLU}


def rotated_by_position(x: Tensor) -> Tensor:
    """Vectors (B, K, M, S) turned by their place along K, S / 2 planes each (Su et al., RoFormer, arXiv:2104.09864).

    The angle in plane i of S / 2 is ``place * 10000 ** (2 i / S)``: as in the published models it grows with i, where
    RoFormer's falls.
    """
    half = x.shape[-1] // 2
    speeds = 10000 ** (torch.arange(half, device=x.device) / float(half))
    angles = torch.arange(x.shape[1], device=x.device)[:, None, None] * speeds
    sine, cosine = angles.sin(), angles.cos()
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


class ScaleNorm(nn.Module):
    """Vectors over their root mean square, times one trained factor (Nguyen, Salazar, arXiv:1910.05895).

    Args:
        dim: length of the vectors.
        eps: smallest root mean square that is divided by.
    """

    def __init__(self, dim: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.scale = dim**-0.5
        self.eps = eps
        self.g = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> the same shape."""
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True) * self.scale
        return x / size.clamp(min=self.eps) * self.g


class Scale(nn.Module):
    """A trained factor for each of ``dim`` numbers, 1 at first."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> the same shape."""
        return x * self.scale


class RTMCCBlock(nn.Module):
    """Self-attention among keypoints with a squared-ReLU kernel, gated; added to the input where the sizes agree.

    Args:
        num_token: K, the number of keypoints.
        in_token_dims, out_token_dims: length of a keypoint's vector before and after.
        expansion_factor: length of values and gates over ``in_token_dims``.
        s: length of queries and keys, even where ``pos_enc``.
        eps: of the norm before, see :class:`ScaleNorm`.
        dropout_rate: share of the attention that is dropped in training.
        drop_path: share of samples whose unit is skipped in training; for equal sizes only of use.
        act_fn: "SiLU" or "ReLU", before attention.
        bias: give linear layers a bias.
        use_rel_bias: add to the attention a trained number for each distance between two keypoints' places.
        pos_enc: turn queries and keys by their place, see :func:`rotated_by_position`.

    Raises:
        ValueError: another activation, or an odd ``s`` with ``pos_enc``.
    """

    def __init__(
        self,
        num_token: int,
        in_token_dims: int,
        out_token_dims: int,
        expansion_factor: float = 2,
        s: int = 128,
        eps: float = 1e-5,
        dropout_rate: float = 0.0,
        drop_path: float = 0.0,
        act_fn: str = "SiLU",
        bias: bool = False,
        use_rel_bias: bool = True,
        pos_enc: bool = False,
    ) -> None:
        super().__init__()
        findings = [] if act_fn in _ACTIVATIONS else [f"act_fn={act_fn!r}, but 'SiLU' and 'ReLU' are allowed"]
        if pos_enc and s % 2:
            findings.append(f"s={s} must be even for pos_enc=True")
        if findings:
            raise ValueError(f"RTMCCBlock: {'; '.join(findings)}.")
        self.num_token = num_token
        self.s = s
        self.e = int(in_token_dims * expansion_factor)
        self.use_rel_bias = use_rel_bias
        self.pos_enc = pos_enc
        if use_rel_bias:
            self.w = nn.Parameter(torch.rand(2 * num_token - 1))
        self.o = nn.Linear(self.e, out_token_dims, bias=bias)
        self.uv = nn.Linear(in_token_dims, 2 * self.e + s, bias=bias)
        nn.init.xavier_uniform_(self.uv.weight)
        self.gamma = nn.Parameter(torch.rand(2, s))
        self.beta = nn.Parameter(torch.rand(2, s))
        self.ln = ScaleNorm(in_token_dims, eps)
        self.act_fn = _ACTIVATIONS[act_fn](inplace=True)
        self.res_scale = Scale(in_token_dims) if in_token_dims == out_token_dims else None
        self.dropout = nn.Dropout(dropout_rate)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, K, in_token_dims) -> (B, K, out_token_dims)."""
        out = self.drop_path(self._unit(x))
        return out if self.res_scale is None else self.res_scale(x) + out

    def _unit(self, x: Tensor) -> Tensor:
        gates, values, base = self.act_fn(self.uv(self.ln(x))).split([self.e, self.e, self.s], dim=2)
        both = base[:, :, None] * self.gamma + self.beta
        if self.pos_enc:
            both = rotated_by_position(both)
        queries, keys = both.unbind(dim=2)
        similarity = queries @ keys.transpose(1, 2)
        if self.use_rel_bias:
            similarity = similarity + self._bias_of_distance(x.shape[1])
        attention = self.dropout(torch.relu(similarity / math.sqrt(self.s)).square())
        return self.o(gates * (attention @ values))

    def _bias_of_distance(self, count: int) -> Tensor:
        """(count, count): entry (i, j) is the number trained for the distance j - i."""
        places = torch.arange(count, device=self.w.device)
        return self.w[places[None, :] - places[:, None] + count - 1]
