namespace TorchSharp;

/// <summary>One argument of an operator call. Converts implicitly from everything an operator can take.</summary>
internal readonly struct Argument
{
    private Argument(ArgumentKind kind, long bits = 0, object? reference = null)
    {
        Kind = kind;
        Bits = bits;
        Reference = reference;
    }

    public ArgumentKind Kind { get; }

    public long Bits { get; }

    public object? Reference { get; }

    /// <summary>What the operator's schema says.</summary>
    public static Argument Default => default;

    public static Argument None { get; } = new(ArgumentKind.None);

    public static Argument Optionals(torch.Tensor?[] tensors) => new(ArgumentKind.Optionals, 0, tensors);

    public static implicit operator Argument(torch.Tensor? tensor) => tensor is null ? None : new(ArgumentKind.Tensor, 0, tensor);

    public static implicit operator Argument(torch.Tensor[] tensors) => new(ArgumentKind.Tensors, 0, tensors);

    public static implicit operator Argument(long number) => new(ArgumentKind.Int, number);

    public static implicit operator Argument(long? number) => number is { } given ? given : None;

    public static implicit operator Argument(double number) => new(ArgumentKind.Double, BitConverter.DoubleToInt64Bits(number));

    public static implicit operator Argument(double? number) => number is { } given ? given : None;

    public static implicit operator Argument(bool flag) => new(ArgumentKind.Bool, flag ? 1 : 0);

    public static implicit operator Argument(long[]? numbers) => numbers is null ? None : new(ArgumentKind.Ints, 0, numbers);

    public static implicit operator Argument(string text) => new(ArgumentKind.Text, 0, text);

    public static implicit operator Argument(torch.ScalarType type) => (long)type;

    public static implicit operator Argument(torch.ScalarType? type) => type is { } given ? (long)given : None;

    public static implicit operator Argument(torch.Device? device) => device is null ? None : new(ArgumentKind.Device, 0, device);

    public static implicit operator Argument(torch.Generator? generator) => generator is null ? None : new(ArgumentKind.Generator, 0, generator);

    public static implicit operator Argument(Scalar? scalar) => scalar is null ? None : scalar.AsArgument();
}
