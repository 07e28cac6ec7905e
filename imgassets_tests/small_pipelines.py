"""The real pipeline classes at small random-weight size, saved as ordinary diffusers folders.

Configurations after diffusers' own tests; the tokenizers know single characters. Nothing here is
trained: the pictures are noise, but of the same code that makes pictures of the large models.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TOKENS = 24
_WIDTH = 32


def save(name: str, folder: Path, seed: int = 0) -> Path:
    """Build one of `BUILDERS` with seeded weights and save it in safetensors; gives the folder."""
    import torch

    torch.manual_seed(seed)
    BUILDERS[name]().save_pretrained(folder, safe_serialization=True)
    return folder


def clip_tokenizer() -> Any:
    """CLIP's tokenizer with an alphabet for a vocabulary."""
    from transformers import CLIPTokenizer

    letters = string.ascii_lowercase + string.digits + string.punctuation
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=_TOKENS)


def t5_tokenizer() -> Any:
    """T5's tokenizer with an alphabet for a vocabulary."""
    from transformers import T5Tokenizer

    pieces = ["<pad>", "</s>", "<unk>", "\u2581", *string.ascii_letters, *string.digits]
    return T5Tokenizer(vocab=[(p, -1.0) for p in pieces], extra_ids=0, model_max_length=_TOKENS)


def clip_encoder(*, projection: bool, width: int = _WIDTH) -> Any:
    """A CLIP text encoder of two layers."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    tokenizer = clip_tokenizer()
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def t5_encoder() -> Any:
    """A T5 encoder of two layers."""
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=len(t5_tokenizer()), d_model=_WIDTH, d_kv=8, d_ff=64, num_layers=2,
                 num_heads=4)
    ).eval()  # fmt: skip


def vae(channels: int = 4, blocks: int = 4, **settings: Any) -> Any:
    """An autoencoder; its latents are `2 ** (blocks - 1)` times smaller than the picture."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        block_out_channels=(8,) * blocks,
        norm_num_groups=4,
        latent_channels=channels,
        sample_size=64,
        **settings,
    )


def sd3() -> Any:
    """Stable Diffusion 3 and 3.5, all three text encoders present."""
    import diffusers

    transformer = diffusers.SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=16, out_channels=16, num_layers=2,
        num_attention_heads=2, attention_head_dim=16, joint_attention_dim=2 * _WIDTH,
        caption_projection_dim=32, pooled_projection_dim=2 * _WIDTH, pos_embed_max_size=16,
        qk_norm="rms_norm",
    )  # fmt: skip
    # The two CLIP encoders lie side by side, T5 below them, as wide as the two.
    from transformers import T5Config, T5EncoderModel

    t5 = T5EncoderModel(T5Config(vocab_size=len(t5_tokenizer()), d_model=2 * _WIDTH, d_kv=8,
                                 d_ff=64, num_layers=2, num_heads=4)).eval()  # fmt: skip
    return diffusers.StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(16, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06,
                scaling_factor=1.5),
        text_encoder=clip_encoder(projection=True), tokenizer=clip_tokenizer(),
        text_encoder_2=clip_encoder(projection=True), tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5, tokenizer_3=t5_tokenizer(),
    )  # fmt: skip


def sd15() -> Any:
    """Stable Diffusion 1.5, without its safety checker."""
    import diffusers

    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, sample_size=8,
        in_channels=4, out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=2,
        cross_attention_dim=_WIDTH,
    )  # fmt: skip
    return diffusers.StableDiffusionPipeline(
        unet=unet,
        scheduler=diffusers.DDIMScheduler(beta_schedule="scaled_linear"),
        vae=vae(),
        text_encoder=clip_encoder(projection=False), tokenizer=clip_tokenizer(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def sdxl() -> Any:
    """Stable Diffusion XL."""
    import diffusers

    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, sample_size=8,
        in_channels=4, out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=(2, 4),
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 1), cross_attention_dim=2 * _WIDTH,
        projection_class_embeddings_input_dim=6 * 8 + _WIDTH,
    )  # fmt: skip
    return diffusers.StableDiffusionXLPipeline(
        unet=unet,
        scheduler=diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
        vae=vae(),
        text_encoder=clip_encoder(projection=False), tokenizer=clip_tokenizer(),
        text_encoder_2=clip_encoder(projection=True), tokenizer_2=clip_tokenizer(),
    )  # fmt: skip


def flux() -> Any:
    """FLUX.1: another architecture, whose attention dispatches to diffusers' backends."""
    import diffusers

    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=_WIDTH, pooled_projection_dim=_WIDTH,
        axes_dims_rope=(4, 4, 8), guidance_embeds=True,
    )  # fmt: skip
    return diffusers.FluxPipeline(
        transformer=transformer,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=vae(4, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1),
        text_encoder=clip_encoder(projection=False), tokenizer=clip_tokenizer(),
        text_encoder_2=t5_encoder(), tokenizer_2=t5_tokenizer(),
    )  # fmt: skip


def x4() -> Any:
    """The diffusion upscaler of Stable Diffusion 2, 4 times."""
    import diffusers

    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, sample_size=32,
        in_channels=7, out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=4,
        cross_attention_dim=_WIDTH, use_linear_projection=True, num_class_embeds=1000,
    )  # fmt: skip
    return diffusers.StableDiffusionUpscalePipeline(
        unet=unet,
        vae=vae(4, 3, scaling_factor=0.08333),
        low_res_scheduler=diffusers.DDPMScheduler(),
        scheduler=diffusers.DDIMScheduler(prediction_type="v_prediction"),
        text_encoder=clip_encoder(projection=False), tokenizer=clip_tokenizer(),
    )  # fmt: skip


def latent_x2() -> Any:
    """The latent upscaler of Stable Diffusion, 2 times."""
    import diffusers

    down, up = "KCrossAttnDownBlock2D", "KCrossAttnUpBlock2D"
    unet = diffusers.UNet2DConditionModel(
        act_fn="gelu", attention_head_dim=8, norm_num_groups=None,
        block_out_channels=(32, 32, 64, 64),
        time_cond_proj_dim=128 + _WIDTH, conv_in_kernel=1, conv_out_kernel=1,
        cross_attention_dim=_WIDTH, down_block_types=("KDownBlock2D", down, down, down),
        in_channels=8,
        mid_block_type=None, only_cross_attention=False, out_channels=5,
        resnet_time_scale_shift="scale_shift", time_embedding_type="fourier",
        timestep_post_act="gelu", up_block_types=(up, up, up, "KUpBlock2D"),
    )  # fmt: skip
    return diffusers.StableDiffusionLatentUpscalePipeline(
        unet=unet, vae=vae(),
        scheduler=diffusers.EulerDiscreteScheduler(prediction_type="sample"),
        text_encoder=clip_encoder(projection=False), tokenizer=clip_tokenizer(),
    )  # fmt: skip


#: Builders by name.
BUILDERS: dict[str, Callable[[], Any]] = {
    "sd3": sd3,
    "sd15": sd15,
    "sdxl": sdxl,
    "flux": flux,
    "x4": x4,
    "latent-x2": latent_x2,
}
