using System.Globalization;
using System.Text;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.FeatureEncoding;

public sealed class NumberTextTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-12.5", -12.5)]
    [InlineData(" 7 ", 7)]
    [InlineData("+3", 3)]
    [InlineData("1e3", 1000)]
    [InlineData(".5", 0.5)]
    [InlineData("5.", 5)]
    [InlineData("123456789012345678", 123456789012345678)]
    public void A_number_in_the_invariant_form_is_read(string text, double expected)
    {
        NumberText.TryParse(Encoding.UTF8.GetBytes(text), out var number).ShouldBeTrue();
        number.ShouldBe(expected);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("1,5")]
    [InlineData("1.234,56")]
    [InlineData("1 000")]
    [InlineData("1-2")]
    [InlineData("1.2.3")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("1e400")]
    [InlineData("0x10")]
    public void Anything_else_is_no_number(string text) => NumberText.TryParse(Encoding.UTF8.GetBytes(text), out _).ShouldBeFalse();

    [Fact]
    public void Reading_agrees_with_the_runtime_to_the_last_bit()
    {
        var random = new RandomStream(11);
        for (var trial = 0; trial < 100_000; trial++)
        {
            var digits = (long)(random.NextUInt64() >> (4 + random.NextInt(60)));
            var text = digits.ToString(CultureInfo.InvariantCulture);
            var point = random.NextInt(text.Length + 1);
            text = (random.NextInt(2) == 0 ? "-" : "") + text[..point] + "." + text[point..];

            NumberText.TryParse(Encoding.UTF8.GetBytes(text), out var number).ShouldBeTrue(text);

            BitConverter.DoubleToInt64Bits(number + 0.0).ShouldBe(BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture) + 0.0), text);
        }
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(" ", true)]
    [InlineData("NA", true)]
    [InlineData("n/a", true)]
    [InlineData("nan", true)]
    [InlineData("NULL", true)]
    [InlineData("None", true)]
    [InlineData("\\N", true)]
    [InlineData("?", true)]
    [InlineData("0", false)]
    [InlineData("none of these", false)]
    [InlineData("UK", false)]
    public void The_usual_words_for_a_missing_number_are_known(string text, bool missing) =>
        NumberText.IsMissing(Encoding.UTF8.GetBytes(text)).ShouldBe(missing);
}
