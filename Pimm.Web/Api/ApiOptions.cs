using Pimm.Core;

namespace Pimm.Web.Api;

/// <summary>Settings section "Api".</summary>
public sealed class ApiOptions
{
    public const string Section = "Api";

    /// <summary>Requests a second that one key may go on with. Default 100, range 1 to 100,000.</summary>
    public int RequestsPerSecond { get; set; } = 100;

    /// <summary>Requests at once that a key may send after a pause. Default 200, range 1 to 100,000.</summary>
    public int Burst { get; set; } = 200;

    /// <summary>Requests a minute that one address may send with a key that opens nothing; then it waits, whatever its key. Default 60, range 1 to 100,000.</summary>
    public int RefusalsPerMinute { get; set; } = 60;

    /// <exception cref="InputException">a value is outside its range</exception>
    public ApiOptions Validated()
    {
        Check(nameof(RequestsPerSecond), RequestsPerSecond);
        Check(nameof(Burst), Burst);
        Check(nameof(RefusalsPerMinute), RefusalsPerMinute);
        return this;
    }

    private static void Check(string name, int value)
    {
        if (value is < 1 or > 100_000)
        {
            throw new InputException($"The setting {Section}:{name} is {value}; it must lie between 1 and 100,000.");
        }
    }
}
