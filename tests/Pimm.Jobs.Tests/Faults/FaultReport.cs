using System.Text.Json;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>What one fault did, for the table that <c>pimm bench faults</c> prints.</summary>
/// <param name="Row">of the fault matrix</param>
/// <param name="Held">whether the promise was</param>
/// <param name="RecoverySeconds">from the fault to the first sign of life of whoever goes on; null: nobody had to</param>
public sealed record FaultRecord(int Row, string Name, bool Held, double? RecoverySeconds, string Note)
{
    private static readonly Lock Writing = new();

    /// <summary>Adds a line of JSON to the file that PIMM_FAULT_REPORT names.</summary>
    public void Write()
    {
        if (Environment.GetEnvironmentVariable("PIMM_FAULT_REPORT") is not { Length: > 0 } file)
        {
            return;
        }

        lock (Writing)
        {
            File.AppendAllText(file, JsonSerializer.Serialize(this, JsonSerializerOptions.Web) + "\n");
        }
    }
}
