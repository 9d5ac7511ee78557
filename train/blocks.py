"""The blocks that every network is made of: layers that the TFLite int8 kernels have, written once for every Keras backend."""

from collections.abc import Callable

import keras
from keras import layers

Size = int | tuple[int, int]


def conv(x: keras.KerasTensor, filters: int, kernel: Size, strides: Size = 1, padding: str = "same") -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False, kernel_initializer="he_normal")(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.97)(x))


def separable(x: keras.KerasTensor, filters: int, kernel: Size, strides: Size = 1) -> keras.KerasTensor:
    x = layers.DepthwiseConv2D(kernel, strides=strides, padding="same", use_bias=False, depthwise_initializer="he_normal")(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.97)(x))
    return conv(x, filters, 1)


def residual(x: keras.KerasTensor, kernel: Size, block: Callable[..., keras.KerasTensor] = conv) -> keras.KerasTensor:
    return layers.Add()([x, block(x, x.shape[-1], kernel)])
