using System.Text;
using Pimm.Core.Access;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Access;

public sealed class TimeCodesTests
{
    private static readonly byte[] Key = Encoding.ASCII.GetBytes("12345678901234567890");

    // RFC 6238, appendix B, the last six of its eight digits.
    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(2000000000, "279037")]
    [InlineData(20000000000, "353130")]
    public void Codes_are_those_of_the_standard(long second, string code) =>
        TimeCodes.Of(Key, TimeCodes.StepAt(DateTimeOffset.FromUnixTimeSeconds(second))).ShouldBe(code);

    [Fact]
    public void A_code_is_taken_half_a_minute_early_or_late_and_says_its_step()
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1234567890);
        var step = TimeCodes.StepAt(now);

        TimeCodes.StepOf(TimeCodes.Of(Key, step - 1), Key, now).ShouldBe(step - 1);
        TimeCodes.StepOf(TimeCodes.Of(Key, step + 1), Key, now).ShouldBe(step + 1);
        TimeCodes.StepOf(TimeCodes.Of(Key, step - 2), Key, now).ShouldBeNull();
        TimeCodes.StepOf("", Key, now).ShouldBeNull();
    }

    // RFC 4648, section 10, without padding.
    [Theory]
    [InlineData("f", "MY")]
    [InlineData("foob", "MZXW6YQ")]
    [InlineData("foobar", "MZXW6YTBOI")]
    public void Keys_are_written_in_base32(string bytes, string text)
    {
        TimeCodes.KeyText(Encoding.ASCII.GetBytes(bytes)).ShouldBe(text);
        TimeCodes.KeyOf(text).ShouldBe(Encoding.ASCII.GetBytes(bytes));
    }

    [Theory]
    [InlineData(false, false, false, "none", SignInStep.Done)]
    [InlineData(true, false, true, "none", SignInStep.Code)]
    [InlineData(true, true, true, "none", SignInStep.NewPassword)]
    [InlineData(false, false, true, "Viewer", SignInStep.NewPassword)]
    [InlineData(false, false, false, "Viewer", SignInStep.SetUpTwoFactor)]
    [InlineData(true, true, false, "Viewer", SignInStep.Done)]
    [InlineData(false, false, false, "Administrator", SignInStep.Done)]
    public void The_steps_come_in_their_order(bool enabled, bool given, bool mustChange, string required, SignInStep expected) =>
        SignInPath.Next(new AppUser { TwoFactorEnabled = enabled, MustChangePassword = mustChange }, [Roles.Viewer], given, new AccessOptions { RequireTwoFactor = required }).ShouldBe(expected);
}
