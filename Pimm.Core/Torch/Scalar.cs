namespace TorchSharp;

/// <summary>A number of any type: what an operator takes where a tensor of one element would also do.</summary>
public sealed class Scalar
{
    private readonly ArgumentKind kind;
    private readonly long bits;

    private Scalar(long number) => (kind, bits) = (ArgumentKind.Int, number);

    private Scalar(double number) => (kind, bits) = (ArgumentKind.Double, BitConverter.DoubleToInt64Bits(number));

    private Scalar(bool flag) => (kind, bits) = (ArgumentKind.Bool, flag ? 1 : 0);

    public static implicit operator Scalar(byte number) => new((long)number);

    public static implicit operator Scalar(sbyte number) => new((long)number);

    public static implicit operator Scalar(short number) => new((long)number);

    public static implicit operator Scalar(int number) => new((long)number);

    public static implicit operator Scalar(long number) => new(number);

    public static implicit operator Scalar(float number) => new((double)number);

    public static implicit operator Scalar(double number) => new(number);

    public static implicit operator Scalar(bool flag) => new(flag);

    public double ToDouble() => kind == ArgumentKind.Double ? BitConverter.Int64BitsToDouble(bits) : bits;

    public float ToSingle() => (float)ToDouble();

    public long ToInt64() => kind == ArgumentKind.Double ? (long)BitConverter.Int64BitsToDouble(bits) : bits;

    public int ToInt32() => (int)ToInt64();

    public bool ToBoolean() => kind == ArgumentKind.Double ? ToDouble() != 0 : bits != 0;

    public override string ToString() => kind switch
    {
        ArgumentKind.Double => ToDouble().ToString(System.Globalization.CultureInfo.InvariantCulture),
        ArgumentKind.Bool => bits != 0 ? "true" : "false",
        _ => bits.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    internal Argument AsArgument() => kind switch
    {
        ArgumentKind.Double => BitConverter.Int64BitsToDouble(bits),
        ArgumentKind.Bool => bits != 0,
        _ => bits,
    };

    internal static Scalar From(NativeValue value) => value.Kind switch
    {
        ArgumentKind.Double => new(BitConverter.Int64BitsToDouble(value.Bits)),
        ArgumentKind.Bool => new(value.Bits != 0),
        _ => new(value.Bits),
    };

    internal torch.ScalarType Type => kind switch
    {
        ArgumentKind.Double => torch.ScalarType.Float64,
        ArgumentKind.Bool => torch.ScalarType.Bool,
        _ => torch.ScalarType.Int64,
    };
}
