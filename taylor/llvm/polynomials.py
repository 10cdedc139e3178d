"""Constants of the vector functions: parts of numbers, and polynomials next to functions.

The polynomials are minimax ones (exp, sin, cos, log) or those of least squares at Chebyshev's
points, for the error relative to the function; their coefficients are rounded one by one and the
others fitted again (`benchmarks/polynomials.py`).  `tests/test_vector.py` holds what they leave.
"""

from __future__ import annotations

h = float.fromhex


def numbers(text: str) -> tuple[float, ...]:
    """Return some numbers."""
    return tuple(map(h, text.split()))


LN2 = h("0x1.62e42feep-1"), h("0x1.a39ef35793c76p-33")  # n·LN2[0] is exact for |n| < 2^20
LOG_2 = h("0x1.62e42fefa39efp-1"), h("0x1.abc9e3b39803fp-56")
LOG2_E = h("0x1.71547652b82fep+0"), h("0x1.777d0ffda0d24p-56")
LOG10_E = h("0x1.bcb7b1526e50ep-2"), h("0x1.95355baaafad3p-57")
LOG10_2 = h("0x1.34413508p-2"), h("0x1.f79fef311f12bp-34")
HALF_PI = h("0x1.921fb544p+0"), h("0x1.0b4611a6p-34"), h("0x1.3198a2e037073p-69")
TWO_OVER_PI = h("0x1.45f306dc9c883p-1")
QUARTER_PI = h("0x1.921fb54442d18p-1"), h("0x1.1a62633145c07p-55")
SQRT_HALF = h("0x1.6a09e667f3bcdp-1"), h("-0x1.bdd3413b26456p-55")
CUBE_ROOT_2, CUBE_ROOT_HALF = h("0x1.428a2f98d728bp+0"), h("0x1.965fea53d6e3dp-1")
THIRD = h("0x1.5555555555555p-2"), h("0x1.5555555555555p-56")
TAN_PI_8, COT_PI_8 = h("0x1.a827999fcef32p-2"), h("0x1.3504f333f9de6p+1")
ONE_OVER_SQRT_2PI = h("0x1.9884533d43651p-2"), h("-0x1.cbc0d30ebfd15p-56")
TWO_OVER_SQRT_PI = h("0x1.20dd750429b6dp+0")

# exp r = 1 + r + r² P(r), sinh r = r + r³ P(r²), cosh r = 1 + r² P(r²), |r| <= ln 2/2
EXP = numbers(
    "0x1p-1 0x1.5555555555557p-3 0x1.5555555555558p-5 0x1.11111111100dbp-7 "
    "0x1.6c16c16c151fdp-10 0x1.a01a01abe81f8p-13 0x1.a01a01acfac26p-16 0x1.71de02313958cp-19 "
    "0x1.27e4cccde21d8p-22 0x1.af4dea28693e2p-26 0x1.1f8b4cb12c542p-29"
)
SINH = numbers(
    "0x1.5555555555555p-3 0x1.1111111111387p-7 0x1.a01a019ea0560p-13 0x1.71de4083700a5p-19 "
    "0x1.ae4ccb770a407p-26 0x1.82c1ed8c09bccp-33"
)
COSH = numbers(
    "0x1p-1 0x1.5555555555555p-5 0x1.6c16c16c16f9fp-10 0x1.a01a019e68c75p-16 "
    "0x1.27e5017cccd72p-22 0x1.1ed952f8fbe44p-29 0x1.c7cb3717931adp-37"
)
# tanh r = r + r³ P(r²), |r| <= .52·ln 2/2
TANH = numbers(
    "-0x1.555555555545bp-2 0x1.11111110c8a88p-3 -0x1.ba1ba0d9a9659p-5 0x1.664ea80ddeed6p-6 "
    "-0x1.2234085537c18p-7 0x1.c1f6a3567cc4dp-9"
)
# sin r = r + r³ P(r²), cos r = 1 - r²/2 + r⁴ P(r²), |r| <= π/4
SIN = numbers(
    "-0x1.5555555555555p-3 0x1.111111111111p-7 -0x1.a01a01a019938p-13 0x1.71de3a5460919p-19 "
    "-0x1.ae645412ba4f4p-26 0x1.61217f00299d3p-33 -0x1.ab17cc11bbc34p-41"
)
COS = numbers(
    "0x1.5555555555555p-5 -0x1.6c16c16c16967p-10 0x1.a01a019f4eb44p-16 "
    "-0x1.27e4fa17db6c2p-22 0x1.1eeb68e764238p-29 -0x1.907da02fc4a17p-37"
)
# log (1 + s)/(1 - s) = 2s + s³ P(s²) = 2s (1 + s²/3 + s⁴ Q(s²)), |s| <= (√2 - 1)/(√2 + 1)
LOG = numbers(
    "0x1.5555555555558p-1 0x1.9999999995223p-2 0x1.2492492e03e4ep-2 0x1.c71c62d03d20fp-3 "
    "0x1.7462ba281c955p-3 0x1.39fdb948e338cp-3 0x1.2b5fbe9e436b8p-3"
)
RATIO = numbers(
    "0x1.9999999999995p-3 0x1.249249249314fp-3 0x1.c71c71c56473bp-4 0x1.745d183dd16d9p-4 "
    "0x1.3b13600773d8cp-4 0x1.11211164a20c1p-4 0x1.de265659310b6p-5 0x1.eb74606c0604cp-5"
)
# atan t = t + t³ P(t²), |t| <= tan π/8;  asin s = s + s³ P(s²), |s| <= 1/2
ATAN = numbers(
    "-0x1.5555555555554p-2 0x1.9999999999583p-3 -0x1.249249246f4a7p-3 0x1.c71c71b44f645p-4 "
    "-0x1.745d144eb5cd5p-4 0x1.3b1364c92c1c2p-4 -0x1.110be91e50144p-4 0x1.e1678d59ae1cfp-5 "
    "-0x1.ab3ad4cdc9c73p-5 0x1.6fe0abf7878c5p-5 -0x1.0fcc5e118d7a2p-5 0x1.e82d550faa022p-7"
)
ASIN = numbers(
    "0x1.5555555555578p-3 0x1.333333332df20p-4 0x1.6db6db722ab04p-5 0x1.f1c71a8bedd36p-6 "
    "0x1.6e8bdfdca0e15p-6 0x1.1c49dec3a812dp-6 0x1.ca2130d12ad2bp-7 0x1.757836efde6fbp-7 "
    "0x1.6186c7540bf48p-7 0x1.e19a8fc990f3fp-9 0x1.64ed9dc6885f7p-6 -0x1.59d802f7c93c8p-6 "
    "0x1.0bda582072c08p-5"
)
# the cube root of m, √½ <= m < √2, to begin with
ROOT = numbers(
    "0x1.cfd9cf92e7177p-2 0x1.cc92f2c145ed2p-1 -0x1.0e46e8e5c0fdep-1 0x1.b21bf0d013786p-3 "
    "-0x1.2bf2240554796p-5"
)
# erf u = u + u P(u²), |u| <= 3/4;  (1 + 2u) erfc u exp u² = P(t), t = (u - 15/4)/(u + 15/4), u >= 0
# (Shepherd & Laframboise, Math. Comp. 36, 1981); TAIL_0 is added to the constant term
ERF = numbers(
    "0x1.06eba8214db69p-3 -0x1.812746b037a00p-2 0x1.ce2f21a0437e5p-4 -0x1.b82ce312abdd6p-6 "
    "0x1.565bcd103b4c7p-8 -0x1.c02db378ce3d9p-11 0x1.f9a2f3fd98931p-14 -0x1.f4cacb9510b1ep-17 "
    "0x1.b9467d5546382p-20 -0x1.57afc6ef1070fp-23 0x1.91a7a4fed25cdp-27"
)
TAIL_0 = h("0x1.3ccda0b5d5dc2p+0")
TAIL = numbers(
    "0x1.dbcc7ebeaceffp-54 -0x1.1f367683f89a5p-3 0x1.d5f294815a405p-9 0x1.510169d09666ap-4 "
    "-0x1.bda9309a2949ap-4 0x1.7a14188a9cd07p-4 -0x1.e0d0fa6ddfe86p-5 0x1.d0b0037d1949bp-6 "
    "-0x1.3f603c398c6f4p-7 0x1.cc3a0e7c1ddb1p-10 0x1.33fb2968e2905p-12 -0x1.303fa487a951cp-12 "
    "0x1.b14398656ff33p-15 0x1.778b9106a18aap-16 -0x1.800077b1bcb13p-17 "
    "-0x1.05564eba2cdf8p-20 0x1.d6339f1900dc9p-20 -0x1.eb8794600265fp-25 "
    "-0x1.15be40af513e9p-22 0x1.8fb3c83297949p-26 0x1.4c37ee693ff4ap-25 "
    "-0x1.015bca23f2ea2p-28 -0x1.638db61ac7372p-28 0x1.5643002c4f73ap-32 "
    "0x1.d3740c4dc2f20p-32"
)
# -(1 + 2u)² d/du (erfc u exp u²) = P(t), t as above
SLOPE_0 = h("0x1.5125c0926222dp+1")
SLOPE = numbers(
    "0x1.0cb2921614366p-54 -0x1.4dd46b9d30f1bp-2 -0x1.919ccd06dc35ep-2 "
    "0x1.75accfb71afa8p-1 -0x1.491d908ed1996p-1 0x1.51851487144e6p-2 -0x1.2984e0d3d1a47p-5 "
    "-0x1.b6f7104cb0521p-4 0x1.d26aa57b6b8b0p-4 -0x1.02c954d00ad22p-4 0x1.3215253ceb8f9p-6 "
    "0x1.afa8c298e7d5fp-12 -0x1.72963d4d1a7bfp-9 0x1.b8fafb76bf413p-11 "
    "0x1.a9feb3207c5dcp-13 -0x1.72163454127cep-13 -0x1.3338a50a2ecafp-21 "
    "0x1.ea0a42ca2cecap-16 -0x1.a11fea525bf71p-19 -0x1.3fab86896c19fp-18 "
    "0x1.978584931e03cp-21 0x1.a3462fd326d4bp-21 -0x1.fbabfb1327a12p-24 "
    "-0x1.de2a84ffed0e4p-24 0x1.56f0fb3fa2a84p-27 0x1.43e29024d25a1p-27"
)
# ψ(3/2 + s) = (s - s₀) P(s), ψ'(3/2 + s) = P(s), |s| <= 1/2, where ψ(3/2 + s₀) = 0
PSI_ROOT = h("-0x1.3a4f395283812p-5"), h("-0x1.e563779a1f5b1p-60")
PSI_0 = h("0x1.e6f0cbb873616p-1")
PSI = numbers(
    "0x1.8bc51cb49ef03p-55 -0x1.b1cb63005ee98p-2 0x1.eca189b8e6f7bp-3 "
    "-0x1.2feeeb98a7961p-3 0x1.8512e59037f07p-4 -0x1.fb44202a1bd18p-5 0x1.4de9aa1800cd1p-5 "
    "-0x1.b9f8b11dba4e1p-6 0x1.25647156b1781p-6 -0x1.863563b6477b1p-7 0x1.03c0b2a5da7d8p-7 "
    "-0x1.5a06ab358c285p-8 0x1.cd1f2996cbcebp-9 -0x1.336d71fa9f401p-9 "
    "0x1.99e185b9bfbf1p-10 -0x1.0fb647d696ac9p-10 0x1.69bbf3a4575f6p-11 "
    "-0x1.fd6f4b74fd743p-12 0x1.56bdc604763c3p-12 -0x1.30121b6be52f0p-13 "
    "0x1.80599e58d6e82p-14 -0x1.757b2cbfb692dp-13 0x1.00a7631104dc0p-13"
)
TRIGAMMA_0 = h("0x1.de9e64df22ef3p-1")
TRIGAMMA = numbers(
    "-0x1.157f32e835efdp-55 -0x1.a85808a40aba1p-1 0x1.68ba30a4209cdp-1 "
    "-0x1.287825428e8e9p-1 0x1.da2d963cf4cc8p-2 -0x1.72d7487c1c4f5p-2 0x1.1cc1377e6ff2dp-2 "
    "-0x1.aeb6f15f3f54cp-3 0x1.41a51b137e6c8p-3 -0x1.db4d82e2acf89p-4 0x1.5c08630b80842p-4 "
    "-0x1.f9c747ba648a1p-5 0x1.6d129af9e5adap-5 -0x1.0603b3e1ce4e7p-5 0x1.7691afb428af8p-6 "
    "-0x1.0a68b2716581fp-6 0x1.7528aab6cc326p-7 -0x1.06b1afd17a75ep-7 0x1.951651487a1d2p-8 "
    "-0x1.202f128c79c28p-8 0x1.af7935c13687bp-10 -0x1.1464b21731811p-10 "
    "0x1.7e652081b7b76p-9 -0x1.12a8ccc75af9cp-9"
)
# ψ(x) = log x - 1/2x - P(u) u, ψ'(x) = 1/x + u/2 + P(u) u/x, u = 1/x², x >= 3
PSI_TAIL = numbers(
    "0x1.5555555555531p-4 -0x1.11111110dd1e4p-7 0x1.0410409adec3bp-8 -0x1.1110dab68488bp-8 "
    "0x1.f06b47ce023d4p-8 -0x1.58ba1524e3efap-6 0x1.4d86dd85e116ep-4 -0x1.91e4abedb1445p-2 "
    "0x1.025a0f5cef3fdp+1 -0x1.2ba0d19c4812bp+3 0x1.0c3e971dfea47p+5 -0x1.3899bb32faa6cp+6 "
    "0x1.5a1df44644ae7p+6"
)
TRIGAMMA_TAIL = numbers(
    "0x1.55555555553f1p-3 -0x1.111111101289bp-5 0x1.86185f8217e30p-6 -0x1.11108b68fef59p-5 "
    "0x1.3638c8d0e54fcp-4 -0x1.021f8697d34fdp-2 0x1.20e1b672e535fp+0 -0x1.83d0ff0653e03p+2 "
    "0x1.0bb9496fd3fa6p+5 -0x1.4452df8128577p+7 0x1.2a1a0a09eaaabp+9 "
    "-0x1.6126adc3752c9p+10 0x1.8b3e421955eb5p+10"
)
