using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;
using Pimm.FaultyWorker;
using Pimm.Jobs.CommandLine;

// The product's command line with a worker that also writes effects for tests to count, and that breaks where PIMM_FAULT says.
// Its children are this program too, so a fault may lie in a training.
FaultPoint.Listener = Fault.FromEnvironment();
return await CommandLineHost.RunAsync(args,
[
    .. PimmCommands.All().Where(verb => verb.Name != "work"),
    WorkCommand.Create(services => services.AddSingleton<IJob, EffectsJob>()),
]);
