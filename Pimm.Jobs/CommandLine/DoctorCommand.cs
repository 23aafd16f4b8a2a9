using System.CommandLine;
using System.Runtime.InteropServices;
using Pimm.Core;
using Pimm.Core.Operating;
using TorchSharp;

namespace Pimm.Jobs.CommandLine;

public static class DoctorCommand
{
    public static Command Create() =>
        new Command("doctor", "what is installed, which versions, is the database reachable and migrated; each line OK or what to do") { Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                List<HealthFinding> findings =
                [
                    HealthFinding.Ok("pimm", PimmCore.Version),
                    HealthFinding.Ok(".NET", RuntimeInformation.FrameworkDescription),
                    HealthFinding.Ok("machine", $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores"),
                    await TorchAsync(cancellationToken),
                    .. await call.Service<InstallationHealth>().LookAsync(cancellationToken)
                ];
                var ok = findings.TrueForAll(finding => finding.Level != HealthLevel.Failing);
                call.Print(new { Ok = ok, Findings = findings }, lines =>
                {
                    foreach (var finding in findings)
                        lines.WriteLine($"{Word(finding.Level)}  {finding.Name,-11} {finding.Note}");
                });
                return ok ? ExitCode.Done : ExitCode.Failed;
            });

    private static string Word(HealthLevel level) => level switch { HealthLevel.Ok => "OK  ", HealthLevel.Warning => "WARN", _ => "TODO" };

    // A sum that only a loaded libtorch can do.
    private static string Torch()
    {
        using var two = torch.ones(2).sum();
        var devices = torch.cuda.is_available() ? $"{torch.cuda.device_count()} CUDA device(s)" : "no CUDA device";
        return two.item<float>() == 2f
            ? $"libtorch {torch.__version__}, {torch.get_num_threads()} threads, {devices}"
            : throw new InvalidOperationException("libtorch adds 1 and 1 up wrongly: install libtorch-dev again.");
    }

    private static async Task<HealthFinding> TorchAsync(CancellationToken cancellationToken)
    {
        try
        {
            return HealthFinding.Ok("torch", await Task.Run(Torch, cancellationToken));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return HealthFinding.Failing("torch", e.Message);
        }
    }
}
