"""Shapes of the tiny models: standard diffusers and transformers classes, small configurations."""

from __future__ import annotations

from diffusers import AutoencoderKL, SD3Transformer2DModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, PreTrainedTokenizerFast

LATENT_CHANNELS = 16
LATENT_SIDE = 12
MAX_TOKENS = 16
TEXT_WIDTH = 128


def build_vae() -> AutoencoderKL:
    """Autoencoder, factor 8: float32 (N, 3, 96, 96) in -1..1 to latents (N, 16, 12, 12)."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(12, 24, 48, 64),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=4,
        sample_size=96,
        mid_block_add_attention=False,
        use_quant_conv=False,
        use_post_quant_conv=False,
        force_upcast=False,
    )


def build_transformer() -> SD3Transformer2DModel:
    """Flow transformer over 6 x 6 = 36 picture tokens of 2 x 2 latents, and the prompt's tokens.

    Modulation and output start at zero (Peebles & Xie 2022, arXiv 2212.09748: adaLN-Zero), so
    every block starts as the identity.
    """
    transformer = SD3Transformer2DModel(
        sample_size=LATENT_SIDE,
        patch_size=2,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=4,
        num_attention_heads=6,
        attention_head_dim=32,
        joint_attention_dim=2 * TEXT_WIDTH,
        caption_projection_dim=192,
        pooled_projection_dim=2 * TEXT_WIDTH,
        pos_embed_max_size=LATENT_SIDE,
        qk_norm="rms_norm",
    )
    gates = [norm for block in transformer.transformer_blocks
             for norm in (block.norm1.linear, block.norm1_context.linear)]  # fmt: skip
    for linear in (*gates, transformer.norm_out.linear, transformer.proj_out):
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
    return transformer


def build_text_encoder(tokenizer: PreTrainedTokenizerFast) -> CLIPTextModelWithProjection:
    """CLIP text encoder: ids (N, 16) to states (N, 16, 128) and a pooled (N, 128).

    Embeddings start wider than CLIP's 0.02: the transformer reads the first layer's output, which
    has no layer norm behind it, and must tell the tokens apart from the first step on.
    """
    encoder = CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            projection_dim=TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=tokenizer.bos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    embeddings = encoder.text_model.embeddings
    nn.init.normal_(embeddings.token_embedding.weight, std=0.3)
    nn.init.normal_(embeddings.position_embedding.weight, std=0.1)
    return encoder
