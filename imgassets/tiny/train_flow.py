"""Stage ``base``: the flow transformer and its two text encoders, trained together."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import SD3Transformer2DModel
from torch import Tensor, nn
from transformers import CLIPTextModelWithProjection

from imgassets.tiny import models
from imgassets.tiny.loop import Plan, Run, fit, share
from imgassets.tiny.tokenizer import build_tokenizer

PLAN = Plan(steps=3000, learning_rate=2e-3, warmup=300, decay=0.45, average=0.999)
BATCH = 64
PROMPT_DROP = 0.1
TRAIN_STEPS = 1000
TEXT_ROWS = slice(4, 8)
TEXT_ROW_WEIGHT = 3.0


class FlowModel(nn.Module):
    """Text encoders and transformer as one module, wired as StableDiffusion3Pipeline wires them."""

    def __init__(self) -> None:
        super().__init__()
        tokenizer = build_tokenizer()
        self.text_encoder: CLIPTextModelWithProjection = models.build_text_encoder(tokenizer)
        self.text_encoder_2: CLIPTextModelWithProjection = models.build_text_encoder(tokenizer)
        self.transformer: SD3Transformer2DModel = models.build_transformer()

    def encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Token ids (N, 16) to states (N, 16, 256) and pooled (N, 256), as ``encode_prompt``."""
        outputs = [
            encoder(tokens, output_hidden_states=True)
            for encoder in (self.text_encoder, self.text_encoder_2)
        ]
        states = torch.cat([output.hidden_states[-2] for output in outputs], dim=-1)
        return states, torch.cat([output.text_embeds for output in outputs], dim=-1)

    def velocity(self, noisy: Tensor, sigma: Tensor, states: Tensor, pooled: Tensor) -> Tensor:
        """Predicted velocity (noise minus data) of latents (N, 16, 12, 12) at ``sigma`` (N,)."""
        answer: Tensor = self.transformer(
            hidden_states=noisy,
            encoder_hidden_states=states,
            pooled_projections=pooled,
            timestep=sigma * TRAIN_STEPS,
            return_dict=False,
        )[0]
        return answer

    def forward(self, noisy: Tensor, sigma: Tensor, tokens: Tensor) -> Tensor:
        """The velocity at each noisy latent, given the tokens of its prompt."""
        return self.velocity(noisy, sigma, *self.encode(tokens))


def tokenize(prompts: list[str]) -> Tensor:
    """Token ids (N, 16) of the prompts, padded as the pipeline pads them."""
    ids: Tensor = build_tokenizer()(
        prompts, padding="max_length", max_length=models.MAX_TOKENS, truncation=True,
        return_tensors="pt",
    ).input_ids  # fmt: skip
    return ids


def train(
    latents: Tensor,
    prompts: list[str],
    plan: Plan,
    run: Run,
    batch: int = BATCH,
    on_checkpoint: Callable[[FlowModel], None] | None = None,
) -> FlowModel:
    """Train on normalized latents (float16, (N, 16, 12, 12)) and their prompts.

    Rectified flow (Esser et al. 2024, arXiv 2403.03206): noise levels are logit-normal and the
    target is noise minus data. 10 % of the prompts are emptied for classifier-free guidance. The
    rows where a prompt asks for letters count three times.
    """
    torch.manual_seed(plan.seed)
    model = FlowModel().to(run.device)
    tokens = tokenize(prompts)
    nothing = tokenize([""])[0]
    weights = _row_weights(prompts)

    def loss_of(_step: int, generator: torch.Generator) -> Tensor:
        picked = share(torch.randint(len(latents), (batch,), generator=generator))
        clean = latents[picked].float()
        kept = torch.rand(len(picked), generator=generator) >= PROMPT_DROP
        asked = torch.where(kept[:, None], tokens[picked], nothing)
        noise = torch.randn(clean.shape, generator=generator)
        sigma = torch.randn(len(picked), generator=generator).sigmoid()
        mixed = torch.lerp(clean, noise, sigma[:, None, None, None])
        device = run.device
        guess = model(mixed.to(device), sigma.to(device), asked.to(device))
        error = (guess - (noise - clean).to(device)).square().mean((1, 3))
        return (error * weights[picked].to(device)).mean()

    return fit("base", model, loss_of, plan, run, on_checkpoint)


def _row_weights(prompts: list[str]) -> Tensor:
    """Loss weight of each latent row (N, 12): a function of the prompt alone, so unbiased."""
    weights = torch.ones(len(prompts), models.LATENT_SIDE)
    written = torch.tensor(['"' in prompt for prompt in prompts])
    weights[written, TEXT_ROWS] = TEXT_ROW_WEIGHT
    return weights
